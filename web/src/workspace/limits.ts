import type { LimitsRequest } from '../api/generated';

/** A limit that can be asked for; the ranges are those of schemas/src/limits.rs. */
export interface LimitField {
  readonly field: keyof LimitsRequest;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly usual: number;
}

export const LIMITS: readonly LimitField[] = [
  { field: 'wall_ms', label: 'Time, ms', min: 100, max: 60_000, usual: 10_000 },
  { field: 'cpu_ms', label: 'CPU time, ms', min: 100, max: 60_000, usual: 10_000 },
  { field: 'memory_mb', label: 'Memory, MiB', min: 32, max: 2048, usual: 256 },
  { field: 'processes', label: 'Processes', min: 1, max: 256, usual: 64 },
  { field: 'file_mb', label: 'Largest file, MiB', min: 1, max: 512, usual: 64 },
  { field: 'disk_mb', label: 'Disk, MiB', min: 1, max: 512, usual: 64 },
  { field: 'output_kb', label: 'Output, KiB', min: 1, max: 16_384, usual: 1024 },
];

/** What is wrong with a limit; `null` where nothing is. */
export function limitProblem(field: keyof LimitsRequest, value: number | null | undefined): string | null {
  const range = LIMITS.find((one) => one.field === field);
  if (!range || value === null || value === undefined) return null;
  const fits = Number.isInteger(value) && range.min <= value && value <= range.max;
  return fits ? null : `${range.min} to ${range.max}`;
}
