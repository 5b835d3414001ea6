"""One viewer of the page: a line a picture. Started by ``page_cost``."""

import json
import sys

from websocket import create_connection

connection = create_connection(f"ws://127.0.0.1:{sys.argv[1]}/live")
while True:
    if json.loads(connection.recv())["picture"]:
        picture = connection.recv()
        print(len(picture), flush=True)
    connection.send("drawn")
