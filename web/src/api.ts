// The daemon's JSON API.
import { token } from './signin';

// What went wrong, in the API's words; code "UNREACHABLE" if nothing answered.
export class ApiError extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
  }
}

// Of google.rpc.Status, by number.
const CODES = ['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND',
               'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED',
               'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'];
const ROOT = '/v1/';

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  const held = token();
  const headers = { ...init.headers, ...(held ? { Authorization: 'Bearer ' + held } : {}) };
  try {
    response = await fetch(ROOT + path, {
      ...init, headers, cache: 'no-store', credentials: 'omit', redirect: 'error',
      signal: AbortSignal.timeout(init.method === 'POST' ? 130000 : 12000),
    });
  } catch {
    throw new ApiError('UNREACHABLE', 'the daemon is not reachable');
  }
  let body: unknown = null;
  try {
    body = await response.json();
  } catch {
    if (response.ok) throw new ApiError('UNREACHABLE', 'the answer was cut off');
  }
  if (response.ok) return body as T;
  const error = body as { code?: number; message?: string } | null;
  throw new ApiError(CODES[error?.code ?? -1] ?? 'HTTP ' + response.status,
                     error?.message || 'HTTP status ' + response.status);
}

export function get<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
  const query = new URLSearchParams(parameters).toString();
  return ask<T>(query === '' ? path : path + '?' + query, { method: 'GET' });
}

export function post<T>(path: string, body: object): Promise<T> {
  return ask<T>(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Taud-Request': '1' },
    body: JSON.stringify(body),
  });
}

export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
