import { useState } from 'react';
import type { LanguageView } from '../api/generated';
import { Menu } from '../ui/Menu';
import type * as All from './examples';
import { fresh, type Project } from './project';

interface Props {
  readonly language: LanguageView;
  /** Puts another program in the place of this one. */
  readonly begin: (edit: (project: Project) => Project) => void;
}

/** Programs to begin with. What was there before can be had back. */
export function Examples({ language, begin }: Props) {
  const [all, setAll] = useState<typeof All | null>(null);
  const fetchAll = () => {
    // Where they cannot be fetched the first program is still there.
    if (all === null) import('./examples').then(setAll, () => undefined);
  };
  const mine: readonly All.Example[] = all?.EXAMPLES[language.id] ?? [];
  return (
    <Menu label="Examples" icon="book" down onOpen={fetchAll}>
      <button type="button" className="btn justify-start" onClick={() => begin((now) => ({ ...fresh(language, now.mode), limits: now.limits }))}>
        Hello, world
      </button>
      {mine.map((one) => (
        <button key={one.title} type="button" className="btn justify-start" onClick={() => all && begin((now) => all.begun(now, one))}>
          {one.title}
        </button>
      ))}
    </Menu>
  );
}
