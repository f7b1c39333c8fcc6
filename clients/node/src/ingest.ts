// A stream of interactions, each stored exactly once, whatever breaks.
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { fromService, TaudError } from './errors';
import type { IngestAck, IngestRequest } from './generated/taud/v1/ingestion_service';
import { TimeUnit } from './generated/taud/v1/types';
import { type Interaction, toMessage } from './interactions';
import { delayMs, type RetryPolicy } from './retry';

const MOST_REJECTIONS = 100;

/** An interaction that was not stored: the `index`-th of the batch that was sent with `position`. */
export interface Rejection { position: number; index: number; reason: string }

/** What became of what was sent. */
export interface IngestResult {
  accepted: number;
  /** Their event ids were known. */
  duplicates: number;
  rejected: number;
  /** The first hundred. */
  rejections: Rejection[];
  /** For `afterSequence`. */
  lastSequence: number;
}

export interface IngestOptions {
  /** send() waits while more interactions than these are unacknowledged. */
  maxUnacknowledged?: number;
  /** How long without any progress until everything rejects. */
  giveUpAfterMs?: number;
}

type Call = ClientDuplexStream<IngestRequest, IngestAck>;

interface Batch { position: number; size: number; request: IngestRequest }

/** Something that waits for the state to change. */
interface Waiter { ready: () => boolean; run: () => void; fail: (error: Error) => void }

/** One connection of the stream. */
interface Session { call: Call; resumed: boolean; sent: number; full: boolean; over: boolean }

/**
 * Sends batches in order. A connection that breaks is made again; the daemon
 * then says how far it has the stream, and the rest is sent again.
 *
 * Every batch has a position, a whole number above 0 that ascends: one's own
 * place in the source, such as the number of the last line. The daemon keeps
 * the position of the last batch together with it, under the stream's id: a
 * program that was killed goes on behind `await stream.position()`.
 *
 * One id has one stream at a time. `close()` ends it.
 */
export class IngestStream {
  #pending: Batch[] = [];
  #unacknowledged = 0;
  #position: number | undefined;  // undefined: not asked yet
  #lastPosition = 0;              // of what was given to send()
  #result: IngestResult = { accepted: 0, duplicates: 0, rejected: 0, rejections: [], lastSequence: 0 };
  #error: Error | undefined;
  #closing = false;
  #session: Session | undefined;
  #failingSince: number | undefined;
  #waiters: Waiter[] = [];
  #wake: (() => void) | undefined;  // ends the pause between two connections
  readonly #maxUnacknowledged: number;
  readonly #giveUpAfterMs: number;
  readonly #ended: Promise<void>;

  /** Use Client.ingest(). */
  constructor(private readonly connect: () => Call, private readonly streamId: string,
              private readonly retry: RetryPolicy, options: IngestOptions = {}) {
    if (streamId === '') throw new RangeError('streamId: must not be empty');
    this.#maxUnacknowledged = options.maxUnacknowledged ?? 20000;
    this.#giveUpAfterMs = options.giveUpAfterMs ?? 60000;
    this.#ended = this.#run();
  }

  /** That of the last batch stored; 0: the daemon knows of none. */
  position(): Promise<number> {
    return this.#when(() => this.#position !== undefined, () => this.#position ?? 0);
  }

  /**
   * Takes a batch of 1 to 10,000 interactions to be sent; resolves when it has
   * been taken, which waits while too much is unacknowledged. Without a
   * position it gets the one after the last.
   */
  async send(interactions: Iterable<Interaction>, position?: number): Promise<void> {
    const messages = Array.from(interactions, toMessage);
    if (messages.length < 1 || messages.length > 10000) {
      throw new RangeError(`interactions: ${messages.length}, allowed are 1 to 10000`);
    }
    const fits = () => this.#unacknowledged === 0
      || this.#unacknowledged + messages.length <= this.#maxUnacknowledged;
    await this.#when(() => this.#closing || (this.#position !== undefined && fits()), () => {
      if (this.#closing) throw new Error('the stream is closed');
      const last = Math.max(this.#lastPosition, this.#position ?? 0);
      const place = position ?? last + 1;
      if (!Number.isSafeInteger(place) || place <= last) {
        throw new RangeError(`position: ${place} is not above the last, ${last}`);
      }
      this.#lastPosition = place;
      this.#pending.push({ position: place, size: messages.length, request: {
        interactions: messages, batchId: BigInt(place), streamId: '',
        timeUnit: TimeUnit.TIME_UNIT_MILLISECONDS,
      } });
      this.#unacknowledged += messages.length;
      this.#pump();
    });
  }

  /** Resolves when everything sent is acknowledged. */
  flush(): Promise<IngestResult> {
    return this.#when(() => this.#pending.length === 0,
                      () => ({ ...this.#result, rejections: [...this.#result.rejections] }));
  }

  /** flush(), and no more. */
  async close(): Promise<IngestResult> {
    try {
      return await this.flush();
    } finally {
      await this.abort();
    }
  }

  /** Ends the connection; what was not acknowledged may or may not be stored. */
  async abort(): Promise<void> {
    this.#closing = true;
    this.#session?.call.cancel();
    this.#wake?.();
    this.#changed();
    await this.#ended;
  }

  #when<T>(ready: () => boolean, run: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { ready, fail: reject, run: () => {
        try {
          resolve(run());
        } catch (error) {
          reject(error as Error);
        }
      } };
      this.#waiters.push(waiter);
      this.#changed();
    });
  }

  /** Lets those go on who can, in the order in which they came. */
  #changed(): void {
    const waiting = this.#waiters;
    this.#waiters = [];
    const left: Waiter[] = [];
    for (const waiter of waiting) {
      if (this.#error !== undefined) waiter.fail(this.#error);
      else if (waiter.ready()) waiter.run();
      else left.push(waiter);
    }
    this.#waiters = [...left, ...this.#waiters];
  }

  async #run(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      let failure: TaudError;
      try {
        failure = await this.#converse();
      } catch (error) {  // a fault of this file: the caller hears of it
        return this.#fail(error as Error);
      }
      if (this.#closing) return;
      const now = performance.now();
      if (this.#failingSince === undefined) {
        this.#failingSince = now;
        attempt = 1;
      }
      const left = this.#failingSince + this.#giveUpAfterMs - now;
      const delay = delayMs(this.retry, failure, attempt, left, Math.random());
      if (delay === undefined) return this.#fail(failure);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delay);
        this.#wake = () => { clearTimeout(timer); resolve(); };
      });
      this.#wake = undefined;
      if (this.#closing) return;
    }
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#changed();
  }

  /** One connection, from its start to its end. */
  #converse(): Promise<TaudError> {
    const call = this.connect();
    const session: Session = { call, resumed: false, sent: 0, full: false, over: false };
    this.#session = session;
    return new Promise((resolve, reject) => {
      const end = (error: TaudError) => {
        session.over = true;
        this.#session = undefined;
        resolve(error);
      };
      call.on('error', (error) => end(fromService(error as ServiceError)));
      call.on('end', () => end(new TaudError('UNAVAILABLE', 'the daemon ended the stream')));
      call.on('drain', () => { session.full = false; this.#pump(); });
      call.on('data', (ack: IngestAck) => {
        if (session.over) return;
        try {
          this.#heard(session, ack);
        } catch (error) {
          session.over = true;
          call.cancel();
          reject(error as Error);
        }
      });
      // Asks how far the daemon has the stream.
      call.write({ streamId: this.streamId, interactions: [], batchId: 0n,
                   timeUnit: TimeUnit.TIME_UNIT_MILLISECONDS });
    });
  }

  /** Sends what the connection takes. */
  #pump(): void {
    const session = this.#session;
    if (session === undefined || !session.resumed || session.over) return;
    while (!session.full && session.sent < this.#pending.length) {
      const batch = this.#pending[session.sent++] as Batch;
      session.full = !session.call.write(batch.request);
    }
  }

  #heard(session: Session, ack: IngestAck): void {
    this.#failingSince = undefined;
    const place = Number(ack.batchId);
    if (ack.streamPosition) {
      // What was stored and not acknowledged before the connection broke.
      while (this.#pending[0] !== undefined && this.#pending[0].position <= place) {
        this.#result.accepted += this.#take().size;
      }
      this.#position = Math.max(this.#position ?? 0, place);
      session.resumed = true;
    } else {
      const batch = this.#take();
      if (batch.position !== place) {
        throw new Error(`acknowledged is ${place}, and ${batch.position} comes next`);
      }
      session.sent--;
      this.#position = place;
      this.#result.accepted += ack.accepted;
      this.#result.duplicates += ack.duplicates;
      this.#result.rejected += ack.rejectedCount;
      const room = MOST_REJECTIONS - this.#result.rejections.length;
      for (const { index, reason } of ack.rejected.slice(0, room)) {
        this.#result.rejections.push({ position: place, index, reason });
      }
    }
    this.#result.lastSequence = Math.max(this.#result.lastSequence, Number(ack.lastSequence));
    this.#pump();
    this.#changed();
  }

  #take(): Batch {
    const batch = this.#pending.shift();
    if (batch === undefined) throw new Error('an acknowledgement of nothing');
    this.#unacknowledged -= batch.size;
    return batch;
  }
}
