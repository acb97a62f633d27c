import { useCallback } from 'react';
import * as client from '../api/client';
import { size } from '../lib/format';
import { useLoaded } from '../lib/useLoaded';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Icon } from '../ui/icons';

/** The files that a run gave back: pictures shown, others to be taken along. */
export function GivenFiles({ id }: { id: string }) {
  const { value, error, again } = useLoaded(useCallback(() => client.files(id), [id]));
  if (error) return <ErrorNotice error={error} doing="fetch the files of this run" onRetry={again} />;
  if (!value) return null;
  const unnamed = value.left_count - value.left.length;
  return (
    <section aria-label="Files that the program gave back" className="max-h-[45%] shrink-0 overflow-y-auto border-t border-line px-3 py-2" tabIndex={0}>
      <ul className="flex flex-wrap gap-3">
        {value.files.map(({ name, bytes, link, media_type: media }) => (
          <li key={name} className="min-w-0">
            {media.startsWith('image/') && <img src={link} alt={`${name}, as the program wrote it`} className="mb-1 max-h-64 max-w-full rounded border border-line bg-white" />}
            <a className="link hit" href={link} download={name.split('/').at(-1)}>
              <Icon name="download" size={12} /> {name}
            </a>{' '}
            <span className="text-dim">{size(bytes)}</span>
          </li>
        ))}
      </ul>
      {value.left.map(({ name, reason }) => (
        <p key={name} className="text-warn">
          {name} was not given back: {reason}
        </p>
      ))}
      {unnamed > 0 && <p className="text-warn">{unnamed} more were not given back.</p>}
    </section>
  );
}
