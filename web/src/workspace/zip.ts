// Zip archives: written without compression, read with and without it. No folders, no encryption.

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Why an archive cannot be read. */
export class ZipError extends Error {}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const UTF8_NAMES = 0x0800;

/** An archive of the files. */
export function zip(entries: readonly ZipEntry[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const central: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, bytes } of entries) {
    const encoded = new TextEncoder().encode(name);
    const common = fields([
      [2, 20], [2, UTF8_NAMES], [2, 0], [2, 0], [2, 0x21], [4, crc32(bytes)],
      [4, bytes.length], [4, bytes.length], [2, encoded.length], [2, 0],
    ]);
    parts.push(fields([[4, LOCAL]]), common, encoded, bytes);
    central.push(fields([[4, CENTRAL], [2, 20]]), common);
    central.push(fields([[2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), encoded);
    offset += 4 + common.length + encoded.length + bytes.length;
  }
  const directory = join(central);
  const count = entries.length;
  const end = fields([
    [4, END], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length], [4, offset], [2, 0],
  ]);
  return join([...parts, directory, end]);
}

/** The files of an archive, without folders' names; at most `most` bytes together. */
export async function unzip(archive: Uint8Array<ArrayBuffer>, most: number): Promise<ZipEntry[]> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = findEnd(view);
  let at = view.getUint32(end + 16, true);
  const entries: ZipEntry[] = [];
  let total = 0;
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== CENTRAL) throw new ZipError('The archive is damaged.');
    const nameLength = view.getUint16(at + 28, true);
    const path = new TextDecoder().decode(archive.subarray(at + 46, at + 46 + nameLength));
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    const name = path.split('/').at(-1) ?? '';
    if (name !== '' && !path.startsWith('__MACOSX/')) {
      const bytes = await content(archive, view, at, most - total);
      total += bytes.length;
      entries.push({ name, bytes });
    }
    at = next;
  }
  return entries;
}

async function content(
  archive: Uint8Array<ArrayBuffer>,
  view: DataView,
  at: number,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const method = view.getUint16(at + 10, true);
  const packed = view.getUint32(at + 20, true);
  const local = view.getUint32(at + 42, true);
  if (view.getUint16(at + 8, true) & 1) throw new ZipError('The archive is encrypted.');
  if (local + 30 > view.byteLength) throw new ZipError('The archive is damaged.');
  const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const data = archive.subarray(from, from + packed);
  if (method !== 0 && method !== 8) throw new ZipError('The archive uses a compression that is not known here.');
  const bytes = method === 0 ? data : await inflate(data, most);
  if (bytes.length > most) throw new ZipError('The archive holds more than a program may have.');
  return bytes;
}

async function inflate(data: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new ZipError('The archive is damaged.');
    });
    if (done) return join(parts);
    total += value.length;
    // Looked at while it grows: a small archive can hold gigabytes.
    if (total > most) {
      await reader.cancel();
      throw new ZipError('The archive holds more than a program may have.');
    }
    parts.push(value);
  }
}

function findEnd(view: DataView): number {
  for (let at = view.byteLength - 22; at >= 0 && at > view.byteLength - 65_558; at -= 1) {
    if (view.getUint32(at, true) === END) return at;
  }
  throw new ZipError('This is no zip archive.');
}

function fields(values: [number, number][]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of values) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return bytes;
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
