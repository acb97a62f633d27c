// What the operations page lists of queues and workers.
import type { QueueView, WorkerReport } from '../api/generated';
import { count, duration, moment, size } from '../lib/format';
import { CELL, Table } from './Table';

/** What waits in each queue. */
export function Queues({ queues }: { queues: readonly QueueView[] }) {
  const busy = queues.filter(({ waiting, leased }) => waiting + leased > 0);
  return (
    <Table title="Queues" heads={['Language', 'Priority', 'Waiting', 'The oldest for', 'With a worker']} empty={`Nothing waits in any of the ${count(queues.length)} queues.`}>
      {busy.map(({ language, priority, waiting, leased, oldest_age_ms: age }) => (
        <tr key={`${language} ${priority}`}>
          <td className={CELL}>{language}</td>
          <td className={CELL}>{priority}</td>
          <td className={CELL}>{count(waiting)}</td>
          <td className={CELL}>{typeof age === 'number' ? duration(age * 1000) : '–'}</td>
          <td className={CELL}>{count(leased)}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The workers that have reported themselves lately. */
export function WorkerTable({ workers }: { workers: readonly WorkerReport[] }) {
  return (
    <Table
      title="Workers"
      heads={['Name', 'State', 'Slots', 'Free', 'Sandboxes that wait', 'Memory', 'Engine', 'Languages', 'Since']}
      empty="No worker has reported itself in the last 30 seconds: nothing is run."
    >
      {workers.map((worker) => (
        <Worker key={worker.name} worker={worker} />
      ))}
    </Table>
  );
}

function Worker({ worker }: { worker: WorkerReport }) {
  const missing = worker.missing_layers ?? [];
  return (
    <tr>
      <td className={CELL}>{worker.name}</td>
      <td className={CELL}>
        {worker.draining ? 'drains' : 'works'}
        {missing.length > 0 && <span className="text-warn"> · without {missing.join(', ')}</span>}
      </td>
      <td className={CELL}>{worker.slots}</td>
      <td className={CELL}>{worker.free_slots}</td>
      <td className={CELL}>{cellsOf(worker)}</td>
      <td className={CELL}>
        {size(worker.available_memory_bytes)} of {size(worker.memory_bytes)} free
      </td>
      <td className={CELL}>{worker.engine}</td>
      <td className={CELL} title={worker.languages.map(({ id, version }) => `${id} ${version ?? ''}`).join(', ')}>
        {worker.languages.length}
      </td>
      <td className={CELL}>{moment(worker.started_at_ms, Date.now())}</td>
    </tr>
  );
}

/** `5: python 3, any 2` */
function cellsOf({ parked }: WorkerReport): string {
  const kinds = (parked ?? []).filter(({ cells }) => cells > 0);
  const all = kinds.reduce((total, { cells }) => total + cells, 0);
  return kinds.length === 0 ? '0' : `${all}: ${kinds.map(({ host, cells }) => `${host} ${cells}`).join(', ')}`;
}
