// Answers of a daemon that has everything, for what a young one does not have yet.

export const HOSTILE = '<img src=x onerror="document.title=\'owned\'">';
export const TURNED = 'abc\u202Etxt.exe\u2066';

const estimate = (value, by) => ({ value, low: value - by, high: value + by });
const ranking = (hit, events) => ({
  hit_rate_10: estimate(hit, 0.012), hit_rate_20: estimate(hit * 1.5, 0.014),
  ndcg_10: estimate(hit * 0.55, 0.007), ndcg_20: estimate(hit * 0.68, 0.007),
  mrr: estimate(hit * 0.45, 0.006), events,
});

export function quality() {
  const bounds = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4, 1.6, 2, 'Infinity'];
  const counts = [12, 31, 84, 190, 402, 517, 388, 201, 92, 40, 17, 3];
  return {
    evaluation: {
      evaluated: '48211', skipped: '9021', unsampled: '120', seconds: 31.4,
      short: { model: ranking(0.182, 1000), popularity: ranking(0.071, 1000), serendipity: 0.09 },
      long: { model: ranking(0.176, 9980), popularity: ranking(0.069, 9980), serendipity: 0.088 },
      by_popularity_tenth: [0.33, 0.27, 0.22, 0.19, 0.16, 0.14, 0.11, 0.08, 0.05, 0.02]
        .map((hit, i) => ({ slice: String(i + 1), ranking: ranking(hit, 990) })),
      by_representation: [['trained', 0.18], ['folded_in', 0.19], ['popular', 0.07]]
        .map(([slice, hit]) => ({ slice, ranking: ranking(hit, 3000) })),
      against_previous: {
        version: '42', previous_version: '41', events: '812', both: '120', only_current: '31',
        only_previous: '19', p_value: 0.119, list_overlap_10: 0.83,
      },
      hits_10: 8400, hits_20: 12000,
    },
    served: {
      sampled: '15200', lists: 2000, coverage: 0.412, gini: 0.71, average_popularity: 152.3,
      novelty_bits: 4.31, intra_list_diversity: 0.44, personalisation: 0.78, entropy_bits: 3.12,
      representation: { trained: 0.61, folded_in: 0.27, context: 0.08, popular: 0.04 },
      top_item_share: 0.13, top_item_id: HOSTILE, score_psi: 0.03,
    },
    learning: {
      loss: 5.12, gradient_norm: 0.031, tau0: 0.118, rho: 1,
      tau_user: bounds.map((upper, i) => ({ upper, count: String(counts[i]) })),
      tau_user_at_lower: 0.002, tau_user_at_upper: 0.001, user_drift: 0.004, item_drift: 0.006,
      neighbour_drift: 0.08,
    },
    input: {
      interactions: '54123', kinds: { view: 0.71, click: 0.19, like: 0.07, purchase: 0.03 },
      new_user_share: 0.04, new_item_share: 0.01, top_user_share: 0.003, top_item_share: 0.021,
      top_user_id: 'u-881', top_item_id: 'the-long-item-id-of-a-shop-with-many-words-in-it-0001',
      kinds_psi: 0.012,
    },
  };
}

const check = (name, value, bounds, rest = {}) => ({
  name, slice: '', passed: true, checked: true, value, reference: 0, text: '', ...bounds, ...rest,
});

export function snapshots(now) {
  const base = (version, age, rest) => ({
    version: String(version), trained_through: String(version * 1000),
    created_ms: String(now - age * 1000), users: '1000', items: '2000', dim: 64,
    bytes: '1850000', serving: false, pinned: false, metrics: {}, kept_as: '', bad: false, ...rest,
  });
  const checks = [
    check('finite', 0, { upper: 0 }),
    check('spread', 0.31, { lower: 0.05 }, { reference: 0.32 }),
    check('coverage', 0.41, { lower: 0.2 }, { reference: 0.42, slice: 'tail' }),
    check('hit_rate', 0.176, { lower: 0.16 }, { reference: 0.174, text: 'as good as what serves' }),
    check('temperatures', 0.12, { lower: 0.02, upper: 0.6 }, { checked: false }),
  ];
  const verdict = {
    passed: true, forced: false, checks, decided_ms: String(now - 60000), compared_with: '41',
    seconds: 0.012,
  };
  const live = { events: '812', hit_rate_10: estimate(0.181, 0.02), popularity_hit_rate_10: 0.07, ndcg_10: 0.1 };
  return { snapshots: [
    base(42, 60, { serving: true, verdict, quality: live }),
    base(41, 190, { kept_as: 'before-sale', verdict, quality: live }),
    base(40, 400, {
      bad: true,
      verdict: {
        ...verdict, passed: false,
        checks: [...checks.slice(0, 3), check('hit_rate', 0.09, { lower: 0.16 }, { reference: 0.174, passed: false })],
      },
    }),
    base(39, 4000, { verdict: { ...verdict, passed: false, forced: true }, quality: live }),
  ] };
}

export function decisions(now) {
  const one = (kind, age, version, text) => ({
    kind, time_ms: String(now - age * 1000), version: String(version), from_version: '0', text,
  });
  return { decisions: [
    one('KIND_PUBLISHED', 61, 42, 'asked for'),
    one('KIND_ROLLED_BACK_AUTOMATICALLY', 150, 39,
        'hit rate at 10 fell from .174 to .09 over 640 events (p = 2e-7); 40 was let in by force'),
    one('KIND_REJECTED', 400, 40, `hit_rate .09 is below .16 ${TURNED}`),
    one('KIND_KEPT', 420, 41, 'as before-sale'),
    one('KIND_PAUSED', 700, 0, ''),
  ] };
}

// Half an hour of figures.
export function history(now) {
  const figures = [
    'hit_rate', 'hit_rate_low', 'hit_rate_high', 'popularity_hit_rate', 'ndcg',
    'answers_per_second', 'errors_per_second', 'answer_p50_seconds', 'answer_p99_seconds',
    'interactions_per_second', 'ack_p50_seconds', 'ack_p99_seconds', 'train_lag_seconds',
    'serve_lag_seconds', 'backlog', 'learnt_per_second', 'loss', 'gradient_norm', 'tau0',
    'tau_user_p10', 'tau_user_p50', 'tau_user_p90', 'snapshot_version', 'users', 'items',
    'resident_bytes', 'free_bytes',
  ];
  const samples = [];
  for (let i = 360; i > 0; i--) {
    const t = 360 - i;
    const wave = Math.sin(t / 23) * 0.008 + Math.sin(t / 5) * 0.003;
    const fell = t > 285 && t < 330 ? 0.07 : 0;
    const hit = 0.17 + wave - fell;
    samples.push([
      now - i * 5000, hit, hit - 0.012, hit + 0.012, 0.069 + wave / 4, hit * 0.55,
      820 + Math.sin(t / 17) * 140, t % 60 === 0 ? 3 : 0, 0.0008, 0.004 + Math.abs(Math.sin(t / 11)) * 0.004,
      410 + Math.sin(t / 29) * 60, 0.001, 0.006 + Math.abs(Math.sin(t / 7)) * 0.003, t % 4, 2 + (t % 6),
      (t % 9) * 200, 8100 + Math.sin(t / 9) * 900, 5.1 + 0.6 * Math.exp(-t / 90), 0.03, 0.118,
      0.09, 0.117, 0.15, Math.floor(t / 10), 1000, 2000, 3.1e8 + t * 1e4, 7.2e10,
    ]);
  }
  return { figures, samples };
}
