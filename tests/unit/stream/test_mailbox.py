import threading

from edgeclf.stream.mailbox import Mailbox


def test_a_new_item_takes_the_place_of_those_that_wait() -> None:
    box: Mailbox[int] = Mailbox(4)

    assert [box.replace(each) for each in (1, 2, 3)] == [0, 1, 1]
    assert (box.take(), box.take()) == (3, None)


def test_items_that_are_put_wait_in_line() -> None:
    box: Mailbox[int] = Mailbox(4)
    for each in (1, 2):
        box.put(each)

    assert (box.oldest(), box.take(), box.take()) == (1, 1, 2)
    assert box.oldest() is None


def test_who_puts_waits_for_a_place() -> None:
    box: Mailbox[int] = Mailbox(1)
    box.put(1)
    putter = threading.Thread(target=box.put, args=(2,))
    putter.start()

    assert box.take() == 1
    putter.join(10)
    assert not putter.is_alive()
    assert box.take() == 2


def test_closing_frees_who_waits_for_a_place_and_takes_nothing_more() -> None:
    box: Mailbox[int] = Mailbox(1)
    box.put(1)
    refused: list[int | None] = []
    putter = threading.Thread(target=lambda: refused.append(box.put(2)))
    putter.start()

    box.close()
    putter.join(10)

    assert refused == [None]
    assert box.replace(3) is None
    assert len(box) == 1


def test_a_wait_ends_with_an_item_a_waking_or_its_time() -> None:
    box: Mailbox[int] = Mailbox(1)

    assert not box.wait(0.001)
    box.wake()
    assert not box.wait(600)  # woken before it began
    box.put(1)
    assert box.wait(600)


def test_a_wait_is_woken_by_another_thread() -> None:
    box: Mailbox[int] = Mailbox(1)
    timer = threading.Timer(0.02, box.put, (1,))
    timer.start()

    assert box.wait(600)
    timer.join()
