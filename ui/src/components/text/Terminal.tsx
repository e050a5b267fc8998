// Output of a process as lines of fixed height. Only what is in sight is drawn, once per frame at most, however much
// comes; it is held at its end if it was at its end, otherwise a button says how many lines are new and nothing moves.
import {
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useReducer,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { Button } from '../controls/Button';
import { cx } from '../cx';
import { type Look, lookAfter, PLAIN, parseLine } from './sgr';
import s from './Terminal.module.css';
import { TEXT } from './text';

export interface TerminalLine {
  /** Counted over the whole output, from 0. */
  number: number;
  text: string;
  stream?: 'stdout' | 'stderr' | undefined;
}

/** Lines that grow outside of React. The array may be the same object; `version` says that it changed. */
export interface TerminalSource {
  readonly lines: readonly TerminalLine[];
  readonly version: number;
  /** Lines before the first that are no longer in memory. */
  readonly dropped?: number;
  /** Told once per frame at most. */
  readonly subscribe: (listener: () => void) => () => void;
}

export interface TerminalProps {
  source: TerminalSource;
  label?: string | undefined;
  /** How many lines high; `fill` takes the height of what is around it. */
  height?: number | 'fill' | undefined;
  /** More may come: a cursor stands after the last line. */
  live?: boolean | undefined;
  className?: string | undefined;
}

/** As `--lh-code` says; rows are placed by it. */
const LINE_PX = 18;
const OVERSCAN = 12;

export function Terminal({ source, label = TEXT.output, height = 'fill', live = false, className }: TerminalProps) {
  const version = useSyncExternalStore(source.subscribe, () => source.version);
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [seen, setSeen] = useState<number | null>(null);
  const [view, measure] = useView(box);
  const looks = useLooks(source);

  const { lines } = source;
  const last = lines.at(-1)?.number ?? -1;

  // At the end the place is known before anything is measured, so that each frame is drawn once.
  const top = atEnd.current ? Math.max(0, lines.length * LINE_PX - view.height) : view.top;

  // Before paint, so that no frame shows the end at another place.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version is what moves the end.
  useLayoutEffect(() => {
    const element = box.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
    measure(atEnd.current ? top : undefined);
  }, [version, measure]);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const end = element.scrollTop + element.clientHeight >= element.scrollHeight - LINE_PX / 2;
    if (end !== atEnd.current) {
      atEnd.current = end;
      setSeen(end ? null : last);
    }
    measure();
  };

  const toEnd = () => {
    atEnd.current = true;
    setSeen(null);
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
    box.current?.focus({ preventScroll: true });
  };

  const first = Math.max(0, Math.floor(top / LINE_PX) - OVERSCAN);
  const until = Math.min(lines.length, Math.ceil((top + view.height) / LINE_PX) + OVERSCAN);
  const visible = lines.slice(first, until);
  const fresh = seen === null ? 0 : last - seen;

  return (
    <div className={cx(s.terminal, height === 'fill' && s.fill, className)}>
      <div
        ref={box}
        className={s.box}
        style={height === 'fill' ? undefined : { blockSize: `calc(${height} * var(--lh-code))` }}
        role="group"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        onScroll={onScroll}
      >
        {(source.dropped ?? 0) > 0 && <p className={s.earlier}>{TEXT.earlier(source.dropped ?? 0)}</p>}
        <div className={s.all} style={{ blockSize: Math.max(1, lines.length) * LINE_PX }}>
          <pre className={s.lines} style={{ transform: `translateY(${first * LINE_PX}px)` }}>
            {visible.map((line, index) => (
              <Line
                key={line.number}
                text={line.text}
                from={looks(first + index)}
                stderr={line.stream === 'stderr'}
                cursor={live && line.number === last}
              />
            ))}
            {live && lines.length === 0 && <span className={s.cursor} />}
          </pre>
        </div>
      </div>
      {fresh > 0 && (
        <Button className={s.newer} size="sm" icon="arrowDown" onClick={toEnd}>
          {TEXT.newer(fresh)}
        </Button>
      )}
    </div>
  );
}

interface LineProps {
  text: string;
  from: Look;
  stderr: boolean;
  cursor: boolean;
}

const Line = memo(function Line({ text, from, stderr, cursor }: LineProps) {
  const { spans } = parseLine(text, from);
  let at = 0;
  return (
    <div className={cx(s.line, stderr && s.stderr)}>
      {spans.map((span) => {
        at += span.text.length;
        return (
          <span key={at} className={classOf(span.look)}>
            {span.text}
          </span>
        );
      })}
      {cursor && <span className={s.cursor} />}
    </div>
  );
});

function classOf(look: Look): string | undefined {
  if (look === PLAIN) return undefined;
  const { color, bold, dim, underline, inverse } = look;
  return (
    cx(color && s[color], bold && s.bold, dim && s.dim, underline && s.underline, inverse && s.inverse) || undefined
  );
}

/** What part is in sight; measured on scroll, on growth and on a change of size. */
function useView(box: React.RefObject<HTMLDivElement | null>) {
  const current = useRef({ top: 0, height: 0 });
  const [, draw] = useReducer((count: number) => count + 1, 0);
  // `drawn` is the top that the lines in the page stand for already.
  const measure = useCallback(
    (drawn?: number) => {
      const element = box.current;
      if (!element) return;
      const { scrollTop: top, clientHeight: height } = element;
      const before = current.current;
      current.current = { top, height };
      if (height !== before.height || Math.abs(top - (drawn ?? before.top)) > LINE_PX) draw();
    },
    [box],
  );
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(() => measure());
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box, measure]);
  return [current.current, measure] as const;
}

/** The look that a line begins with, by its index. Each line is scanned once; the last may still grow, so not that. */
function useLooks(source: TerminalSource): (index: number) => Look {
  const state = useRef<{ source: TerminalSource; starts: Look[]; base: number }>(undefined);
  if (state.current?.source !== source) state.current = { source, starts: [PLAIN], base: 0 };
  const known = state.current;
  const { lines } = source;
  const base = lines[0]?.number ?? 0;
  if (base !== known.base) {
    // Lines were dropped at the front: what was known about them goes, the rest keeps its place.
    known.starts.splice(0, base - known.base);
    if (known.starts.length === 0) known.starts.push(PLAIN);
    known.base = base;
  }
  for (let index = known.starts.length - 1; index < lines.length - 1; index += 1) {
    known.starts[index + 1] = lookAfter(lines[index]?.text ?? '', known.starts[index] ?? PLAIN);
  }
  return (index) => known.starts[index] ?? PLAIN;
}
