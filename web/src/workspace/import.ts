// Files from outside: dropped, chosen, or out of an archive.
import { dataOf } from '../api/data';
import { LARGEST_BYTES, names, type Project, totalBytes, withFile } from './project';
import { nameProblem } from './names';
import { unzip, ZipError } from './zip';

/** What came of it. */
export interface Imported {
  readonly project: Project;
  readonly added: readonly string[];
  /** What was left out, and why; a sentence each. */
  readonly refused: readonly string[];
}

/** A project with the given files in it; a file of the same name is replaced. */
export async function importFiles(project: Project, files: readonly File[]): Promise<Imported> {
  let next = project;
  const added: string[] = [];
  const refused: string[] = [];
  const take = (name: string, bytes: Uint8Array) => {
    const problem = nameProblem(name, []);
    const kept = next.files.filter((file) => file.name !== name);
    const room = LARGEST_BYTES - totalBytes({ ...next, files: kept });
    if (problem) refused.push(`${name}: ${problem}`);
    else if (bytes.length > room) refused.push(`${name}: more than the 1 MB that a program may have.`);
    else {
      next = withFile(next, { name, content: dataOf(bytes) });
      added.push(name);
    }
  };
  for (const file of files) {
    const zipped = file.name.toLowerCase().endsWith('.zip');
    if (file.size > (zipped ? 20 : 1) * LARGEST_BYTES) {
      refused.push(`${file.name}: more than the 1 MB that a program may have.`);
      continue;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (!zipped) {
      take(file.name, bytes);
      continue;
    }
    try {
      for (const entry of await unzip(bytes, LARGEST_BYTES)) take(entry.name, entry.bytes);
    } catch (error) {
      if (!(error instanceof ZipError)) throw error;
      refused.push(`${file.name}: ${error.message}`);
    }
  }
  const active = names(next).includes(project.active) && added.length !== 1 ? project.active : next.active;
  return { project: { ...next, active }, added, refused };
}
