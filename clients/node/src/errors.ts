// Errors that say what is wrong in words.
import type { ServiceError } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { BadRequest, ErrorStatus, RequestInfo, RetryInfo } from './generated/taud/v1/error_details';

/** A code of gRPC by its name, as 'INVALID_ARGUMENT'. */
export type Code = keyof typeof status;

export interface ErrorDetails {
  /** What is wrong with which field of the request. */
  fields?: Record<string, string>;
  /** Under which the daemon logs the call; may be empty. */
  requestId?: string;
  /** How long the daemon asks to wait; undefined: it does not say. */
  retryAfterMs?: number;
}

/** A call that failed. */
export class TaudError extends Error {
  readonly fields: Record<string, string>;
  readonly requestId: string;
  readonly retryAfterMs: number | undefined;

  constructor(readonly code: Code, readonly reason: string, details: ErrorDetails = {}) {
    super(`${code}: ${reason}` + (details.requestId ? ` (request ${details.requestId})` : ''));
    this.name = 'TaudError';
    this.fields = details.fields ?? {};
    this.requestId = details.requestId ?? '';
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The error of a failed call, with what its trailers tell. */
export function fromService(error: ServiceError): TaudError {
  const details: Required<Pick<ErrorDetails, 'fields'>> & ErrorDetails = { fields: {} };
  for (const bytes of error.metadata?.get('grpc-status-details-bin') ?? []) {
    for (const detail of ErrorStatus.decode(bytes as Buffer).details) {
      const name = detail.typeUrl.slice(detail.typeUrl.lastIndexOf('.') + 1);
      if (name === 'BadRequest') {
        for (const wrong of BadRequest.decode(detail.value).fieldViolations) {
          details.fields[wrong.field] = wrong.description;
        }
      } else if (name === 'RetryInfo') {
        const delay = RetryInfo.decode(detail.value).retryDelay;
        details.retryAfterMs = Number(delay?.seconds ?? 0) * 1000 + (delay?.nanos ?? 0) / 1e6;
      } else if (name === 'RequestInfo') {
        details.requestId = RequestInfo.decode(detail.value).requestId;
      }
    }
  }
  return new TaudError((status[error.code] ?? 'UNKNOWN') as Code, error.details ?? error.message, details);
}
