import type { ReactNode } from 'react';

interface TableProps {
  readonly title: string;
  readonly heads: readonly string[];
  readonly empty: string;
  readonly children: readonly ReactNode[];
}

/** A titled table, or a sentence where it has no rows. */
export function Table({ title, heads, empty, children }: TableProps) {
  return (
    <section className="mb-6">
      <h2 className="mb-1 font-semibold">{title}</h2>
      {children.length === 0 ? (
        <p className="text-dim">{empty}</p>
      ) : (
        <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={title}>
          <table className="w-full border-collapse text-left">
            <thead>
              <tr className="border-b border-line text-dim">
                {heads.map((head) => (
                  <th key={head} scope="col" className="py-1 pr-4 font-normal whitespace-nowrap">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** How a cell looks. */
export const CELL = 'border-b border-line py-1 pr-4 whitespace-nowrap tabular-nums';
