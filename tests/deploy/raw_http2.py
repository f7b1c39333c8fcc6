"""HTTP/2 as no library sends it: frames put together by hand, over TLS or not."""
import socket
import ssl

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
DATA, HEADERS, RST_STREAM, CONTINUATION = 0, 1, 3, 9
END_HEADERS = 4
CANCEL = (8).to_bytes(4, "big")


def frame(kind, flags, stream, payload):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) +
            stream.to_bytes(4, "big") + payload)


def header(name, value):
    """In HPACK: a literal that neither side remembers; both are shorter than 127 bytes."""
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def call(path, token=b""):
    """The headers of a call of gRPC: POST, https, and the rest as literals."""
    return (b"\x83\x87" + header(b":path", path) +
            header(b":authority", b"localhost") + header(b"te", b"trailers") +
            header(b"content-type", b"application/grpc") +
            (header(b"authorization", b"Bearer " + token) if token else b""))


def connect(port, ca=None, source="127.0.0.1", timeout=5):
    """To this machine, from one of its addresses 127.x.x.x; with `ca`, over TLS."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout,
                                          source_address=(source, 0))
    try:
        if ca:
            context = ssl.create_default_context(cafile=str(ca))
            context.set_alpn_protocols(["h2"])
            connection = context.wrap_socket(
                connection, server_hostname="localhost",
                do_handshake_on_connect=False)
            connection.do_handshake()
        connection.sendall(PREFACE)
    except OSError:
        connection.close()
        raise
    return connection


def opened_and_reset(path, stream):
    return (frame(HEADERS, END_HEADERS, stream, call(path)) +
            frame(RST_STREAM, 0, stream, CANCEL))


def continuations(path, size):
    """Headers that do not end, and `size` frames more of them, 16 KiB each at most."""
    yield frame(HEADERS, 0, 1, call(path))
    more = frame(CONTINUATION, 0, 1, header(b"x-more", b"x" * 100) * 150)
    for _ in range(size):
        yield more


def frames(connection):
    """Kind, stream and payload of what comes, until the other side closes."""
    with connection.makefile("rb") as source:
        while True:
            head = source.read(9)
            if len(head) < 9:
                return
            yield (head[3], int.from_bytes(head[5:], "big"),
                   source.read(int.from_bytes(head[:3], "big")))
