// A program as it stands in the page. Pure: every change gives a new project.
import * as v from 'valibot';
import { bytesOf, lossyText } from '../api/data';
import { Data, LimitsRequest, type LanguageView, type ProgramView, type SubmitRequest } from '../api/generated';
import { joinArgs, splitArgs } from './args';

const ProjectFile = v.object({ name: v.string(), content: Data });
export type ProjectFile = v.InferOutput<typeof ProjectFile>;

/** How a project is stored. */
export const Project = v.object({
  language: v.string(),
  files: v.array(ProjectFile),
  /** The file that is open. */
  active: v.string(),
  /** The file to start with, where it is not the usual one. */
  entry: v.nullable(v.string()),
  args: v.string(),
  /** Options for the compiler, as in a shell. */
  options: v.optional(v.string(), ''),
  /** Variables, a line each: `NAME=value`. */
  env: v.optional(v.string(), ''),
  /** Files to give back, as in a shell. */
  outputs: v.optional(v.string(), ''),
  stdin: v.string(),
  /** A terminal to type into, or pipes with the standard input given. */
  mode: v.picklist(['terminal', 'pipes']),
  limits: LimitsRequest,
});
/** A program, and how it is to be run. */
export type Project = v.InferOutput<typeof Project>;

/** The most that a submission may have, as the edge counts it. */
export const LARGEST_BYTES = 1_000_000;

/** A first program in a language. */
export function fresh(language: LanguageView, mode: Project['mode']): Project {
  return freshOf(language, language.hello_world, mode);
}

/** A program of one file. */
export function freshOf(language: LanguageView, text: string, mode: Project['mode']): Project {
  return {
    language: language.id,
    files: [{ name: language.entry, content: { text } }],
    active: language.entry,
    entry: null,
    args: '',
    options: '',
    env: '',
    outputs: '',
    stdin: '',
    mode,
    limits: {},
  };
}

export const names = (project: Project): string[] => project.files.map((file) => file.name);

/** The file to start with. */
export function entryOf(project: Project, usual: string | undefined): string {
  const all = names(project);
  if (project.entry !== null && all.includes(project.entry)) return project.entry;
  if (usual !== undefined && all.includes(usual)) return usual;
  return all.length === 1 ? (all[0] ?? '') : project.active;
}

/** The open file. */
export function activeFile(project: Project): ProjectFile | null {
  return project.files.find((file) => file.name === project.active) ?? project.files[0] ?? null;
}

/** With another text in a file. */
export function withText(project: Project, name: string, text: string): Project {
  return {
    ...project,
    files: project.files.map((file) => (file.name === name ? { name, content: { text } } : file)),
  };
}

/** With one more file, which is opened; one of the same name is replaced. */
export function withFile(project: Project, file: ProjectFile): Project {
  const others = project.files.filter((other) => other.name !== file.name);
  return { ...project, files: [...others, file], active: file.name };
}

/** With a file under another name. */
export function renamed(project: Project, from: string, to: string): Project {
  return {
    ...project,
    files: project.files.map((file) => (file.name === from ? { ...file, name: to } : file)),
    active: project.active === from ? to : project.active,
    entry: project.entry === from ? to : project.entry,
  };
}

/** Without a file. */
export function without(project: Project, name: string): Project {
  const at = project.files.findIndex((file) => file.name === name);
  const files = project.files.filter((file) => file.name !== name);
  const next = files[Math.min(at, files.length - 1)]?.name ?? '';
  return {
    ...project,
    files,
    active: project.active === name ? next : project.active,
    entry: project.entry === name ? null : project.entry,
  };
}

/** Bytes of all files together. */
export function totalBytes(project: Project): number {
  return project.files.reduce((sum, file) => sum + bytesOf(file.content).length, 0);
}

/** What the edge is sent. `terminal` is the size of the terminal to run on. */
export function requestOf(
  project: Project,
  usual: string | undefined,
  session: string,
  terminal: { columns: number; rows: number },
): SubmitRequest {
  const onTerminal = project.mode === 'terminal';
  const stdin = onTerminal || project.stdin === '' ? {} : { stdin: project.stdin };
  return {
    language: project.language,
    files: project.files.map(sentFile),
    entry: entryOf(project, usual),
    args: splitArgs(project.args),
    compiler_options: splitArgs(project.options),
    env: variables(project.env),
    output_files: splitArgs(project.outputs),
    limits: project.limits,
    priority: 'interactive',
    session,
    ...stdin,
    ...(onTerminal ? { interactive: true, terminal } : {}),
  };
}

const sentFile = ({ name, content }: ProjectFile) =>
  'text' in content ? { name, content: content.text } : { name, data: content };

/** The variables in lines of `NAME=value`; lines without a name are left out. */
export function variables(lines: string): Record<string, string> {
  const pairs = lines.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf('=');
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1)]] : [];
  });
  return Object.fromEntries(pairs);
}

/** A program of the past as a project of its own. A snippet is one, too. */
export function projectOf(program: ProgramView & { output_files?: readonly string[] }): Project {
  return {
    language: program.language,
    files: program.files.map(({ name, content }) => ({ name, content })),
    active: program.entry,
    entry: program.entry,
    args: joinArgs(program.args),
    options: joinArgs(program.compiler_options),
    env: Object.entries(program.env).map(([name, value]) => `${name}=${value}`).join('\n'),
    outputs: joinArgs(program.output_files ?? []),
    stdin: program.stdin ? lossyText(program.stdin) : '',
    mode: program.interactive ? 'terminal' : 'pipes',
    limits: program.limits,
  };
}
