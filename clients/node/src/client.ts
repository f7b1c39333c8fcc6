// The client: every call with a deadline, tried again where that is safe.
import { randomUUID } from 'node:crypto';
import { type CallOptions, ChannelCredentials, type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type Recommendations, toRecommendations } from './answers';
import { fromService, TaudError } from './errors';
import { CatalogServiceClient, type GetItemResponse, type GetUserResponse, Item, UpsertItemsRequest }
  from './generated/taud/v1/catalog_service';
import { IngestionServiceClient, WriteInteractionsRequest, type WriteInteractionsResponse }
  from './generated/taud/v1/ingestion_service';
import { ModelServiceClient, type Status } from './generated/taud/v1/model_service';
import { RecommendationServiceClient, RecommendBatchRequest, RecommendRequest, SimilarItemsRequest }
  from './generated/taud/v1/recommendation_service';
import { type DeepPartial, type Exploration, type Filter, type Rules, type ScoredItem }
  from './generated/taud/v1/types';
import { IngestStream, type IngestOptions } from './ingest';
import { type Interaction, toMessage } from './interactions';
import { DEFAULT_RETRY, delayMs, type RetryPolicy } from './retry';

export interface ClientOptions {
  /** How long a call may take, all tries together; each method takes one of its own. Not set: 10 s. */
  timeoutMs?: number;
  retry?: Partial<RetryPolicy>;
  /** Not set: no TLS. */
  credentials?: ChannelCredentials;
}

export interface CallTimeout { timeoutMs?: number }

export interface RecommendOptions extends CallTimeout {
  /** How many; not set: 10. */
  k?: number;
  /** Items of the session, the newest first. */
  context?: string[];
  filter?: DeepPartial<Filter>;
  rules?: DeepPartial<Rules>;
  exploration?: DeepPartial<Exploration>;
  /** What write() returned, to read one's own writes. */
  afterSequence?: number;
  titles?: boolean;
  properties?: boolean;
  reasons?: boolean;
  pageToken?: string;
}

export type BatchOptions = Pick<RecommendOptions, 'k' | 'filter' | 'rules' | 'titles' | 'timeoutMs'>;
export type SimilarOptions = Pick<RecommendOptions, 'k' | 'filter' | 'titles' | 'timeoutMs'>;

type Unary<Request, Response> = (request: Request, metadata: Metadata, options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void) => ClientUnaryCall;

// A daemon that was restarted is there again within a second.
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
};

/** A connection to a daemon. Any number of calls may be under way. */
export class Client {
  readonly #timeoutMs: number;
  readonly #retry: RetryPolicy;
  readonly #recommendation: RecommendationServiceClient;
  readonly #ingestion: IngestionServiceClient;
  readonly #catalog: CatalogServiceClient;
  readonly #model: ModelServiceClient;

  constructor(address = 'localhost:50051', options: ClientOptions = {}) {
    this.#timeoutMs = options.timeoutMs ?? 10000;
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
    const credentials = options.credentials ?? ChannelCredentials.createInsecure();
    this.#recommendation = new RecommendationServiceClient(address, credentials, CHANNEL_OPTIONS);
    // One connection for all of them.
    const shared = { channelOverride: this.#recommendation.getChannel() };
    this.#ingestion = new IngestionServiceClient(address, credentials, shared);
    this.#catalog = new CatalogServiceClient(address, credentials, shared);
    this.#model = new ModelServiceClient(address, credentials, shared);
  }

  close(): void {
    this.#recommendation.close();
  }

  /** The best items for a user, for the items of a session (user ''), or both. */
  async recommend(user: string, options: RecommendOptions = {}): Promise<Recommendations> {
    const request = RecommendRequest.fromPartial({
      userId: user, k: options.k ?? 10, contextItemIds: options.context, filter: options.filter,
      rules: options.rules, exploration: options.exploration,
      afterSequence: BigInt(options.afterSequence ?? 0), includeTitles: options.titles,
      includeProperties: options.properties, includeReasons: options.reasons,
      pageToken: options.pageToken,
    });
    return toRecommendations(user, await this.#call(
      this.#recommendation.recommend.bind(this.#recommendation), request, options));
  }

  /** The same for up to 1,000 users, all from one snapshot. */
  async recommendBatch(users: readonly string[], options: BatchOptions = {}): Promise<Recommendations[]> {
    const request = RecommendBatchRequest.fromPartial({
      userIds: [...users], k: options.k ?? 10, filter: options.filter, rules: options.rules,
      includeTitles: options.titles,
    });
    const answer = await this.#call(
      this.#recommendation.recommendBatch.bind(this.#recommendation), request, options);
    return answer.responses.map((response, i) => toRecommendations(users[i] as string, response));
  }

  /** The same for any number of users, `batch` (100) a call. */
  async* recommendMany(users: Iterable<string> | AsyncIterable<string>,
                       options: BatchOptions & { batch?: number } = {}): AsyncGenerator<Recommendations> {
    let part: string[] = [];
    for await (const user of users) {
      part.push(user);
      if (part.length < (options.batch ?? 100)) continue;
      yield* await this.recommendBatch(part, options);
      part = [];
    }
    if (part.length > 0) yield* await this.recommendBatch(part, options);
  }

  /** The nearest items. NOT_FOUND for an unknown one. */
  async similar(item: string, options: SimilarOptions = {}): Promise<ScoredItem[]> {
    const request = SimilarItemsRequest.fromPartial({
      itemId: item, k: options.k ?? 10, filter: options.filter, includeTitles: options.titles,
    });
    const answer = await this.#call(
      this.#recommendation.similarItems.bind(this.#recommendation), request, options);
    return answer.items;
  }

  /**
   * Writes up to 10,000 interactions, all or none. When it resolves they are
   * on disk and count. The sequence of the last, for `afterSequence`.
   *
   * One without an event id is given one, so that another try after a broken
   * connection stores nothing twice. For a stream of them there is ingest().
   */
  async write(interactions: Iterable<Interaction>, options: CallTimeout = {}): Promise<number> {
    const messages = Array.from(interactions, toMessage);
    const call = randomUUID();
    messages.forEach((message, i) => { message.eventId ||= `${call}-${i}`; });
    const written: WriteInteractionsResponse = await this.#call(
      this.#ingestion.writeInteractions.bind(this.#ingestion),
      WriteInteractionsRequest.fromPartial({ interactions: messages }), options);
    return written.sequences.reduce((last, one) => Math.max(last, Number(one)), 0);
  }

  /**
   * A stream of interactions that outlives broken connections and ends of the
   * daemon, and stores each exactly once; see IngestStream.
   */
  ingest(streamId: string, options: IngestOptions = {}): IngestStream {
    return new IngestStream(() => this.#ingestion.ingest(), streamId, this.#retry, options);
  }

  /** Writes items, all or none. What is not given of one that exists stays as it is. */
  async upsertItems(items: Iterable<DeepPartial<Item>>, options: CallTimeout = {}): Promise<void> {
    const request = UpsertItemsRequest.fromPartial({ items: Array.from(items) });
    await this.#call(this.#catalog.upsertItems.bind(this.#catalog), request, options);
  }

  getItem(id: string, options: CallTimeout = {}): Promise<GetItemResponse> {
    return this.#call(this.#catalog.getItem.bind(this.#catalog), { id }, options);
  }

  getUser(id: string, options: CallTimeout & { limit?: number } = {}): Promise<GetUserResponse> {
    return this.#call(this.#catalog.getUser.bind(this.#catalog), { id, limit: options.limit ?? 0 }, options);
  }

  status(options: CallTimeout = {}): Promise<Status> {
    return this.#call(this.#model.getStatus.bind(this.#model), {}, options);
  }

  /** Resolves when a model serves that has learnt every interaction up to this sequence. */
  waitUntilLearnt(sequence: number, options: CallTimeout = {}): Promise<void> {
    const deadline = Date.now() + (options.timeoutMs ?? this.#timeoutMs);
    return new Promise((resolve, reject) => {
      const watch = this.#model.watchStatus({ intervalMs: 100 }, new Metadata(), { deadline });
      watch.on('data', ({ serving }: Status) => {
        if (!serving?.snapshotVersion || serving.snapshotTrainedThrough < BigInt(sequence)) return;
        resolve();
        watch.cancel();
      });
      watch.on('error', (error) => reject(fromService(error as ServiceError)));
      watch.on('end', () => reject(new TaudError('UNAVAILABLE', 'the daemon ended the stream')));
    });
  }

  async #call<Request, Response>(method: Unary<Request, Response>, request: Request,
                                 options: CallTimeout): Promise<Response> {
    const end = performance.now() + (options.timeoutMs ?? this.#timeoutMs);
    for (let attempt = 1; ; attempt++) {
      const left = end - performance.now();
      try {
        return await once(method, request, Math.max(left, 1));
      } catch (error) {
        const delay = delayMs(this.#retry, error as TaudError, attempt, end - performance.now(), Math.random());
        if (delay === undefined) throw error;
        await new Promise((resolve) => { setTimeout(resolve, delay); });
      }
    }
  }
}

function once<Request, Response>(method: Unary<Request, Response>, request: Request,
                                 timeoutMs: number): Promise<Response> {
  return new Promise((resolve, reject) => {
    method(request, new Metadata(), { deadline: Date.now() + timeoutMs }, (error, response) => {
      if (error) reject(fromService(error));
      else resolve(response);
    });
  });
}
