// View state in the address: what stands after the question mark, read and changed without leaving the place.
import { useCallback } from 'react';
import { useLocation, useSearch } from 'wouter';

/** Null takes a parameter away; what is not named stays. */
export type ParamsChange = Record<string, string | null | undefined>;

export interface ChangeParamsOptions {
  /** `push` makes a step that Back goes back over; `replace` is for what changes while somebody types. */
  how?: 'push' | 'replace';
}

export function useViewParams(): [URLSearchParams, (change: ParamsChange, options?: ChangeParamsOptions) => void] {
  const [path, navigate] = useLocation();
  const search = useSearch();
  const change = useCallback(
    (wanted: ParamsChange, { how = 'replace' }: ChangeParamsOptions = {}) => {
      const params = new URLSearchParams(search);
      for (const [name, value] of Object.entries(wanted)) {
        if (value === undefined) continue;
        if (value) params.set(name, value);
        else params.delete(name);
      }
      const text = params.toString();
      navigate(text ? `${path}?${text}` : path, { replace: how === 'replace' });
    },
    [path, search, navigate],
  );
  return [new URLSearchParams(search), change];
}
