"""Who calls: a token in every call, and TLS."""
from __future__ import annotations

import collections
from typing import Any, Callable, Optional

import grpc


class _CallDetails(
        collections.namedtuple("_CallDetails", (
            "method", "timeout", "metadata", "credentials", "wait_for_ready",
            "compression")),
        grpc.ClientCallDetails):
    pass


class TokenInterceptor(grpc.UnaryUnaryClientInterceptor,
                       grpc.UnaryStreamClientInterceptor,
                       grpc.StreamStreamClientInterceptor):
    """Adds the token. Not call credentials of gRPC: those are for TLS alone, and
    a daemon on the loopback may ask for a token, too."""

    def __init__(self, token: str):
        self._pair = ("authorization", f"Bearer {token}")

    def _with_token(self, details: Any) -> _CallDetails:
        return _CallDetails(
            details.method, details.timeout,
            [*(details.metadata or ()), self._pair], details.credentials,
            getattr(details, "wait_for_ready", None),
            getattr(details, "compression", None))

    def intercept_unary_unary(self, continuation: Callable[..., Any],
                              client_call_details: Any, request: Any) -> Any:
        return continuation(self._with_token(client_call_details), request)

    def intercept_unary_stream(self, continuation: Callable[..., Any],
                               client_call_details: Any, request: Any) -> Any:
        return continuation(self._with_token(client_call_details), request)

    def intercept_stream_stream(self, continuation: Callable[..., Any],
                                client_call_details: Any,
                                request_iterator: Any) -> Any:
        return continuation(self._with_token(client_call_details),
                            request_iterator)


def _read(path: Optional[str]) -> Optional[bytes]:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()


def tls_credentials(ca: Optional[str], certificate: Optional[str],
                    key: Optional[str]) -> Optional[grpc.ChannelCredentials]:
    """Of paths of PEM files; None if none is given."""
    if ca is None and certificate is None and key is None:
        return None
    if (certificate is None) != (key is None):
        raise ValueError("certificate and key: both are needed, or neither")
    return grpc.ssl_channel_credentials(_read(ca), _read(key),
                                        _read(certificate))
