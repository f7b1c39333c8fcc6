// What the API says, as protobuf's JSON spells it: 64-bit numbers are texts,
// and a message that is not set is absent.
export type Int64 = string | number;

export interface Estimate { value: number; low: number; high: number }

export interface Problem {
  severity: 'SEVERITY_UNSPECIFIED' | 'SEVERITY_INFO' | 'SEVERITY_WARNING' | 'SEVERITY_CRITICAL';
  code: string;
  text: string;
}

export interface LiveFigures {
  events: Int64;
  hit_rate_10?: Estimate;
  popularity_hit_rate_10: number;
  ndcg_10: number;
}

export interface Status {
  server_version: string;
  now_ms: Int64;
  started_ms: Int64;
  phase: string;
  ready: boolean;
  summary?: string;
  problems?: Problem[];
  quality?: LiveFigures;
  trainer?: {
    state: string; device: string; error: string; backlog: Int64; epochs: number;
    trained_through: Int64; positives_per_second: number; loss: number; tau0: number;
    warming_up: boolean;
  };
  serving?: {
    snapshot_version: Int64; snapshot_created_ms: Int64; snapshot_trained_through: Int64;
    requests: Int64; errors: Int64; pinned_version: Int64; rejected: Int64;
    last_rejection: string; queued: Int64; refused: Int64; resident_bytes: Int64;
    last_swap_ms: Int64; forced?: boolean;
  };
  log?: {
    last_sequence: Int64; interactions: Int64; users: Int64; items: Int64;
    pending_erasures: Int64; refusing: string;
  };
  index?: { kind: string; device: string; kernel: string; items: Int64; recall: number };
  storage?: { free_bytes: Int64; capacity_bytes: Int64 };
}

export interface Ranking {
  hit_rate_10?: Estimate; hit_rate_20?: Estimate; ndcg_10?: Estimate; ndcg_20?: Estimate;
  mrr?: Estimate; events: number;
}

export interface SliceRanking { slice: string; ranking?: Ranking }

export interface Window { model?: Ranking; popularity?: Ranking; serendipity: number }

export interface Quality {
  evaluation?: {
    evaluated: Int64; skipped: Int64; unsampled: Int64; seconds: number;
    short?: Window; long?: Window;
    by_popularity_tenth?: SliceRanking[];
    by_representation?: SliceRanking[];
    against_previous?: {
      version: Int64; previous_version: Int64; events: Int64; both: Int64;
      only_current: Int64; only_previous: Int64; p_value: number; list_overlap_10: number;
    };
  };
  served?: {
    sampled: Int64; lists: number; coverage: number; gini: number;
    average_popularity: number; novelty_bits: number; intra_list_diversity: number;
    personalisation: number; entropy_bits: number; representation?: Record<string, number>;
    top_item_share: number; top_item_id: string; score_psi: number;
  };
  learning?: {
    loss: number; gradient_norm: number; tau0: number; rho: number;
    tau_user?: { upper: number | string; count: Int64 }[];
    tau_user_at_lower: number; tau_user_at_upper: number;
    user_drift: number; item_drift: number; neighbour_drift: number;
  };
  input?: {
    interactions: Int64; kinds?: Record<string, number>; new_user_share: number;
    new_item_share: number; top_user_share: number; top_item_share: number;
    top_user_id: string; top_item_id: string; kinds_psi: number;
  };
}

export interface Check {
  name: string; slice: string; passed: boolean; checked: boolean; value: number;
  reference: number; lower?: number; upper?: number; text: string;
}

export interface Verdict {
  passed: boolean; forced: boolean; checks?: Check[]; decided_ms: Int64;
  compared_with: Int64; seconds: number;
}

export interface Snapshot {
  version: Int64; trained_through: Int64; created_ms: Int64; users: Int64; items: Int64;
  dim: number; bytes: Int64; serving: boolean; pinned: boolean; kept_as?: string;
  verdict?: Verdict; quality?: LiveFigures; bad?: boolean;
}

export interface Decision {
  kind: string; time_ms: Int64; version: Int64; from_version: Int64; text: string;
}

export interface History { figures: string[]; samples: (number | null)[][] }

export interface Reason { item_id: string; share: number; title: string }

export interface ScoredItem {
  id: string; score: number; probability: number; unscored: boolean; by_tags: boolean; title: string;
  reasons?: Reason[];
}

export interface Answer {
  items?: ScoredItem[];
  representation?: string;
  temperature?: number;
  snapshot?: { version: Int64; trained_through: Int64; created_ms: Int64 };
}

export interface Item { id: string; title?: string; tags?: string[]; hidden?: boolean }

export interface User {
  id: string; seen: Int64; temperature: number; representation: string;
  history?: { item_id: string; title: string; kind: string; time_ms: Int64 }[];
}
