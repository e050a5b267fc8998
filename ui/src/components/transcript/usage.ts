// What models used, in words.
import type { Usage } from '../../bindings/nox';
import { TRANSCRIPT } from './text';

/** Tokens, shortened: 950, 12.3k, 1.2M. */
export function tokens(count: number): string {
  if (count < 1_000) return String(count);
  if (count < 1_000_000) return `${(count / 1_000).toFixed(1)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

export function usageText(usage: Usage): string {
  const { input_tokens = 0, cached_tokens = 0, output_tokens = 0 } = usage;
  return TRANSCRIPT.tokens(tokens(input_tokens), tokens(cached_tokens), tokens(output_tokens));
}
