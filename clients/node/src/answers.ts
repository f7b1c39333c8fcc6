// Answers as plain objects.
import type { RecommendResponse } from './generated/taud/v1/recommendation_service';
import { Representation, type ScoredItem } from './generated/taud/v1/types';

/** The best items of a user, best first. */
export interface Recommendations {
  user: string;
  items: ScoredItem[];
  /** How the user was known: 'trained', 'folded_in', 'context', 'popular'. */
  representation: string;
  /** The version of the model that all of it was computed from. */
  snapshot: number;
  /** Every interaction up to this sequence had been learnt. */
  trainedThrough: number;
  temperature: number;
  /** Of the next page; empty: there is none. */
  nextPageToken: string;
}

export function toRecommendations(user: string, answer: RecommendResponse): Recommendations {
  return {
    user,
    items: answer.items,
    representation: (Representation[answer.representation] ?? '').replace('REPRESENTATION_', '').toLowerCase(),
    snapshot: Number(answer.snapshot?.version ?? 0),
    trainedThrough: Number(answer.snapshot?.trainedThrough ?? 0),
    temperature: answer.temperature,
    nextPageToken: answer.nextPageToken,
  };
}
