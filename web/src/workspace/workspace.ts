// The project that is open, and its way into the browser's storage. One project for each language,
// so that a change of language never touches what was typed.
import * as v from 'valibot';
import type { LanguageView } from '../api/generated';
import { Store } from '../lib/store';
import { fresh, Project } from './project';
import { load, onOtherTab, save } from './storage';

/** The state of the workspace. */
export interface WorkspaceState {
  readonly project: Project;
  /** Whether the browser refused to keep the last change. */
  readonly unsaved: boolean;
  /** How many programs of this language were put aside for others that came from links. */
  readonly aside: number;
}

const AUTOSAVE_MS = 200;

/** Programs of one language that are kept aside. */
const MOST_ASIDE = 20;

const same = (a: Project, b: Project) => JSON.stringify(a) === JSON.stringify(b);

/** What is shown before the list of languages has come, on the very first visit. */
const FIRST: LanguageView = {
  id: 'python',
  name: 'Python',
  aliases: [],
  extensions: ['py'],
  entry: 'main.py',
  available: true,
  compiler_options: [],
  hello_world: 'print("Hello, world!")\n',
};

export class Workspace {
  readonly state: Store<WorkspaceState>;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly mode: Project['mode']) {
    const last = load('language');
    const project = this.stored(typeof last === 'string' ? last : FIRST.id);
    this.state = new Store<WorkspaceState>({ project: project ?? fresh(FIRST, mode), unsaved: false, aside: 0 });
    this.state.set({ aside: this.putAside().length });
    addEventListener('pagehide', () => this.flush());
    document.addEventListener('visibilitychange', () => this.flush());
    onOtherTab((key) => this.adopt(key));
  }

  readonly project = (): Project => this.state.get().project;

  /** Changes the project; it is kept a moment later. */
  change(edit: (project: Project) => Project): void {
    const project = edit(this.project());
    if (project === this.project()) return;
    this.state.set({ project });
    this.timer ??= setTimeout(() => this.flush(), AUTOSAVE_MS);
  }

  /** Goes to the project of a language. */
  open(language: LanguageView): void {
    this.flush();
    save('language', language.id);
    const project = this.stored(language.id) ?? fresh(language, this.mode);
    this.state.set({ project, aside: this.putAside(language.id).length });
  }

  /**
   * Opens a program that came from elsewhere. The one of the same language that was there is put
   * aside; where there is no room for it, nothing is opened and the answer is `false`.
   */
  take(project: Project): boolean {
    this.flush();
    const own = this.stored(project.language);
    const aside = this.putAside(project.language);
    const all = own === null || same(own, project) ? aside : [...aside, own].slice(-MOST_ASIDE);
    if (!save(`aside.${project.language}`, all)) return false;
    this.state.set({ project, aside: all.length });
    this.timer ??= setTimeout(() => this.flush(), AUTOSAVE_MS);
    this.flush();
    return true;
  }

  /** Changes places with the program that was put aside last; with more of them, goes round. */
  swap(): void {
    this.flush();
    const now = this.project();
    const aside = this.putAside();
    const next = aside.at(-1);
    if (!next || !save(`aside.${now.language}`, [now, ...aside.slice(0, -1)])) return;
    this.change(() => next);
    this.flush();
  }

  /** Keeps the project now. */
  flush(): void {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    const { project } = this.state.get();
    const kept = save(`project.${project.language}`, project) && save('language', project.language);
    this.state.set({ unsaved: !kept });
  }

  private putAside(language = this.project().language): readonly Project[] {
    const parsed = v.safeParse(v.array(Project), load(`aside.${language}`));
    return parsed.success ? parsed.output : [];
  }

  private stored(language: string): Project | null {
    const parsed = v.safeParse(Project, load(`project.${language}`));
    return parsed.success && parsed.output.files.length > 0 ? parsed.output : null;
  }

  /** Takes over what was typed in another tab, unless something is being typed here. */
  private adopt(key: string): void {
    const { language, active } = this.project();
    if (key !== `project.${language}` || this.timer !== null) return;
    const project = this.stored(language);
    if (!project) return;
    const open = project.files.some((file) => file.name === active) ? active : project.active;
    this.state.set({ project: { ...project, active: open } });
  }
}
