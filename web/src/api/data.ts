import type { Data } from './generated';

const encoder = new TextEncoder();

/** The bytes of a `Data`. */
export function bytesOf(data: Data): Uint8Array<ArrayBuffer> {
  return 'text' in data ? encoder.encode(data.text) : fromBase64(data.base64);
}

/** Bytes as `Data`: text where they are UTF-8, base64 where they are not. */
export function dataOf(bytes: Uint8Array): Data {
  const text = utf8(bytes);
  return text === null ? { base64: toBase64(bytes) } : { text };
}

/** The bytes as text, or `null` where they are not UTF-8. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The bytes as text to look at; what is not UTF-8 shows as U+FFFD. */
export function lossyText(data: Data): string {
  return 'text' in data ? data.text : new TextDecoder().decode(fromBase64(data.base64));
}

/** Decodes base64 with padding. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** Encodes as base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 0x8000) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  }
  return btoa(parts.join(''));
}
