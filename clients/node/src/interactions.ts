// What a user did with an item.
import { Interaction as Message, InteractionKind } from './generated/taud/v1/types';

const KINDS = {
  view: InteractionKind.INTERACTION_KIND_VIEW,
  click: InteractionKind.INTERACTION_KIND_CLICK,
  like: InteractionKind.INTERACTION_KIND_LIKE,
  purchase: InteractionKind.INTERACTION_KIND_PURCHASE,
  dislike: InteractionKind.INTERACTION_KIND_DISLIKE,
  retract: InteractionKind.INTERACTION_KIND_RETRACT,
} as const;

export type Kind = keyof typeof KINDS;

export interface Interaction {
  user: string;
  item: string;
  /** Not set: a view. */
  kind?: Kind;
  /** Not set: when it arrives. */
  time?: Date;
  /** Above 0, up to 100. Not set: 1. */
  weight?: number;
  /** A second interaction with the same one is not stored again. */
  eventId?: string;
}

/** Throws a RangeError that names what cannot be sent. */
export function toMessage(value: Interaction): Message {
  const kind = KINDS[value.kind ?? 'view'];
  if (kind === undefined) {
    throw new RangeError(`kind: '${value.kind}' is none of ${Object.keys(KINDS).join(', ')}`);
  }
  const timeMs = value.time?.getTime() ?? 0;
  if (!Number.isFinite(timeMs)) throw new RangeError('time: is not a valid date');
  return {
    userId: value.user, itemId: value.item, kind, timeMs: BigInt(timeMs),
    weight: value.weight ?? 1, eventId: value.eventId ?? '',
  };
}
