import type {Keep} from '../source.ts';

/**
 * An API object with only the fields that `keep` names: what hoptop does not read is never kept nor written. In a list,
 * of every element. Never throws.
 */
export function strip(value: unknown, keep: Keep): unknown {
  if (keep === true || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(one => strip(one, keep));
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(keep)) {
    const own = (value as Record<string, unknown>)[key];
    if (own !== undefined) kept[key] = strip(own, inner);
  }
  return kept;
}
