export { type Recommendations } from './answers';
export { type BatchOptions, type CallTimeout, Client, type ClientOptions, type RecommendOptions,
         type SimilarOptions } from './client';
export { type Code, type ErrorDetails, TaudError } from './errors';
export { type GetItemResponse, type GetUserResponse, type Item } from './generated/taud/v1/catalog_service';
export { type Status } from './generated/taud/v1/model_service';
export { type Exploration, type Filter, type PropertyValue, type Rules, type ScoredItem, type TagBoost }
  from './generated/taud/v1/types';
export { type IngestOptions, type IngestResult, type IngestStream, type Rejection } from './ingest';
export { type Interaction, type Kind } from './interactions';
export { DEFAULT_RETRY, delayMs, type RetryPolicy } from './retry';
