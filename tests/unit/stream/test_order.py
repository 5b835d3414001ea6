import threading

from edgeclf.stream.order import Order


def test_items_come_in_the_order_of_their_numbers() -> None:
    order: Order[str] = Order(3)
    numbers = [order.draw() for _ in range(3)]

    order.put(2, "c")
    order.put(0, "a")
    first, early = order.take(0), order.take(0)
    order.put(1, "b")

    assert numbers == [0, 1, 2]
    assert (first, early) == ("a", None)
    assert [order.take(0), order.take(0)] == ["b", "c"]


def test_no_number_is_drawn_while_all_places_are_out() -> None:
    order: Order[str] = Order(2)
    drawn: list[int | None] = []

    def draw() -> None:
        drawn.extend(order.draw() for _ in range(3))

    thread = threading.Thread(target=draw)
    thread.start()
    order_is_full = threading.Event()
    assert not order_is_full.wait(0.05)
    before = list(drawn)
    order.put(0, "a")
    order.take(0)
    thread.join(10)

    assert before in ([], [0, 1])
    assert drawn == [0, 1, 2]
    assert order.out == 2


def test_closing_frees_who_waits_for_a_number() -> None:
    order: Order[str] = Order(1)
    order.draw()
    drawn: list[int | None] = []
    thread = threading.Thread(target=lambda: drawn.append(order.draw()))
    thread.start()

    order.close()
    thread.join(10)

    assert drawn == [None]


def test_a_wait_for_an_item_ends_when_it_comes() -> None:
    order: Order[str] = Order(1)
    order.draw()
    timer = threading.Timer(0.02, order.put, (0, "a"))
    timer.start()

    assert order.take(600) == "a"
    timer.join()
