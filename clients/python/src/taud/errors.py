"""Errors that say what is wrong in words: taud.Error and one class a code."""
from __future__ import annotations

from typing import Optional

import grpc
from taud.v1 import error_details_pb2


class Error(Exception):
    """A call that failed.

    code         the gRPC code's name, as "INVALID_ARGUMENT"
    message      what the daemon says
    fields       {field of the request: what is wrong with it}
    request_id   under which the daemon logs the call; may be empty
    retry_after  seconds that the daemon asks to wait; None: it does not say
    """

    def __init__(self, code: str, message: str, fields: dict[str, str],
                 request_id: str, retry_after: Optional[float]):
        text = f"{code}: {message}"
        if request_id:
            text += f" (request {request_id})"
        super().__init__(text)
        self.code = code
        self.message = message
        self.fields = fields
        self.request_id = request_id
        self.retry_after = retry_after


class InvalidArgument(Error):
    """A field of the request is wrong; `fields` says which."""


class NotFound(Error):
    """There is no such user, item or receipt."""


class FailedPrecondition(Error):
    """Not in the state that the daemon is in."""


class Overloaded(Error):
    """The daemon refuses for now (RESOURCE_EXHAUSTED)."""


class Unavailable(Error):
    """The daemon cannot be reached, has no model yet, or stops."""


class DeadlineExceeded(Error):
    """No answer within the timeout."""


class Unauthenticated(Error):
    """No credential, or one that the daemon does not know (any more)."""


class PermissionDenied(Error):
    """The credential has not got the role, which the message names."""


_CLASSES = {
    "UNAUTHENTICATED": Unauthenticated,
    "PERMISSION_DENIED": PermissionDenied,
    "INVALID_ARGUMENT": InvalidArgument,
    "NOT_FOUND": NotFound,
    "FAILED_PRECONDITION": FailedPrecondition,
    "RESOURCE_EXHAUSTED": Overloaded,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
}


def from_rpc(error: grpc.RpcError) -> Error:
    """The error of a failed call, with what its trailers tell."""
    fields: dict[str, str] = {}
    request_id, retry_after = "", None
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in error_details_pb2.ErrorStatus.FromString(value).details:
            name = detail.type_url.rpartition(".")[2]
            if name == "BadRequest":
                bad = error_details_pb2.BadRequest.FromString(detail.value)
                fields.update((v.field, v.description)
                              for v in bad.field_violations)
            elif name == "RetryInfo":
                info = error_details_pb2.RetryInfo.FromString(detail.value)
                retry_after = (info.retry_delay.seconds
                               + info.retry_delay.nanos / 1e9)
            elif name == "RequestInfo":
                request_id = error_details_pb2.RequestInfo.FromString(
                    detail.value).request_id
    code = error.code().name
    return _CLASSES.get(code, Error)(code, error.details() or "", fields,
                                     request_id, retry_after)
