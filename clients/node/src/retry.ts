// When a call that failed is made again.
import type { TaudError } from './errors';

export interface RetryPolicy {
  /** Tries at most. */
  attempts: number;
  /** The first wait, where the daemon asks for none; doubled each time. */
  firstMs: number;
  /** The longest of such waits. */
  mostMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 100, firstMs: 50, mostMs: 2000 };

/**
 * How long to wait after try number `attempt` (from 1) failed, with `leftMs` to
 * go; `chance` is a random number from 0 to 1. Undefined: the error is final.
 */
export function delayMs(policy: RetryPolicy, error: TaudError, attempt: number, leftMs: number,
                        chance: number): number | undefined {
  if (attempt >= policy.attempts) return undefined;
  if (error.code === 'RESOURCE_EXHAUSTED') {
    if (error.retryAfterMs === undefined) return undefined;  // it would not fit the next time, either
  } else if (error.code !== 'UNAVAILABLE') {
    return undefined;
  }
  const wait = error.retryAfterMs !== undefined
    ? error.retryAfterMs * (1 + 0.2 * chance)
    : Math.min(policy.mostMs, policy.firstMs * 2 ** Math.min(attempt - 1, 30)) * (0.5 + 0.5 * chance);
  return wait < leftMs ? wait : undefined;
}
