"""Does the head of a Ray cluster answer? Asked before Ray is, which would wait for minutes.

Ray's head speaks gRPC, which begins with the greeting of HTTP/2: a program that is there and well answers it
with its settings at once. A port that is closed, a machine that is away, a head that hangs and another kind
of server are told apart from it in seconds.
"""

import os
import socket

SECONDS = 4.0  # for the connection, and again for the answer
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # and settings: none
SETTINGS = 4  # the kind of the frame that answers, in its fourth byte


def silent(address: str, seconds: float = SECONDS) -> str:
    """Why nothing of Ray answers at HOST:PORT; empty where it does."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), seconds) as line:
            if os.environ.get("RAY_USE_TLS", "0") not in ("0", ""):
                return ""  # its greeting is encrypted
            line.settimeout(seconds)
            line.sendall(GREETING)
            frame = b""
            while len(frame) < 4:
                if not (more := line.recv(64)):
                    return "whatever is there is not Ray"
                frame += more
    except TimeoutError:
        return f"no answer within {seconds:g} seconds"
    except (OSError, ValueError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    return "" if frame[3] == SETTINGS else "whatever is there is not Ray"
