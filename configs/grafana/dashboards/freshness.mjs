import { board, lines, of, orZero, quantile, rate } from '../board.mjs';

const stage = (name, label) => lines(label, 'Half, 90 % and 99 % of the interactions of each interval.', 's',
  ...[0.5, 0.9, 0.99].map((q) => [
    quantile(q, 'taud_freshness_seconds', 'instance', `stage="${name}"`), `{{instance}} ${100 * q} %`]));

export default board('taud-freshness', 'taud / Freshness and swaps', 'How long until what users do is in the model that serves, and what happens to snapshots.',
  ['From an interaction to the model',
    lines('Acknowledged and visible', 'From the arrival of a batch to its acknowledgement; then it is seen and folded in, too.', 's',
      [quantile(0.5, 'taud_ack_latency_seconds'), '{{instance}} 50 %'],
      [quantile(0.99, 'taud_ack_latency_seconds'), '{{instance}} 99 %']),
    stage('trained', 'From acknowledged to trained'),
    stage('servable', 'From acknowledged to servable'),
    lines('Behind', 'Acknowledged interactions that the serving snapshot has not learnt.', 'none', [of('taud_snapshot_lag_interactions')])],
  ['Snapshots',
    lines('Version', 'The version that serves.', 'none', [of('taud_snapshot_version')]),
    lines('Age', 'Since the snapshot that serves was made, and since it serves.', 's',
      [`time() - ${of('taud_snapshot_timestamp_seconds')}`, '{{instance}} made'],
      [`time() - ${of('taud_snapshot_swap_timestamp_seconds')}`, '{{instance}} serves']),
    lines('Swaps', 'Snapshots put into service in a minute.', 'none', [`60 * ${rate('taud_snapshot_swaps_total')}`]),
    lines('Rejected', 'Snapshots rejected by the gate in a minute; and since the last one that served.', 'none',
      [`60 * ${rate('taud_snapshot_rejected_total')}`, '{{instance}} a minute'],
      [of('taud_snapshot_rejected_in_a_row'), '{{instance}} in a row']),
    lines('In memory', 'The serving snapshot, the one it is compared with and those that requests still hold; with four a new one waits.', 'none', [of('taud_snapshots_live')]),
    lines('Not as usual', 'The pinned version, 0 for none; 1 if what serves was forced; roll-backs of the daemon\'s own.', 'none',
      [of('taud_snapshot_pinned_version'), '{{instance}} pinned'],
      [of('taud_snapshot_forced'), '{{instance}} forced'],
      [`sum by (instance) (increase(${of('taud_snapshot_automatic_rollbacks_total')}[$__rate_interval]))`, '{{instance}} rolled back']),
    lines('Decisions', 'What was decided about snapshots and learning, by kind.', 'none',
      [orZero(`sum by (kind) (increase(${of('taud_decisions_total')}[$__rate_interval]))`), '{{kind}}'])]);
