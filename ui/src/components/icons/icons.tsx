// The window's own set of signs for things and actions: one 24 px grid, one stroke, no fill. Statuses are not here; they
// have shapes of their own in StatusSign. An icon is decoration: the word beside it, or the button's label, speaks.
import s from './icons.module.css';

const PATHS = {
  activity: 'M3 12h4l3 8 4-16 3 8h4',
  agents:
    'M7.5 8h9A2.5 2.5 0 0 1 19 10.5v6a2.5 2.5 0 0 1-2.5 2.5h-9A2.5 2.5 0 0 1 5 16.5v-6A2.5 2.5 0 0 1 7.5 8zM12 4v4M9.5 13v1M14.5 13v1M2.5 12v3M21.5 12v3',
  approvals: 'M12 3l8 3v6c0 4.5-3.4 7.6-8 9-4.6-1.4-8-4.5-8-9V6zM9 12l2 2 4-4',
  arrowLeft: 'M15 6l-6 6 6 6',
  arrowRight: 'M9 6l6 6-6 6',
  arrowDown: 'M6 9l6 6 6-6',
  arrowUp: 'M6 15l6-6 6 6',
  board:
    'M5.5 4h3A1.5 1.5 0 0 1 10 5.5v13A1.5 1.5 0 0 1 8.5 20h-3A1.5 1.5 0 0 1 4 18.5v-13A1.5 1.5 0 0 1 5.5 4zM15.5 4h3A1.5 1.5 0 0 1 20 5.5v7a1.5 1.5 0 0 1-1.5 1.5h-3A1.5 1.5 0 0 1 14 12.5v-7A1.5 1.5 0 0 1 15.5 4z',
  branch:
    'M9 18a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM9 6a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM19 6a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM7 8v8M9 18h6a2 2 0 0 0 2-2V8',
  calendar: 'M6 5h12a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2zM16 3v4M8 3v4M4 11h16',
  check: 'M5 12l5 5L20 7',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M10 8h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-8a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2zM16 8V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h2',
  cpu: 'M8 6h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2zM9 3v3M15 3v3M9 18v3M15 18v3M3 9h3M3 15h3M18 9h3M18 15h3',
  document: 'M14 3v4a1 1 0 0 0 1 1h4M17 21H7a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h7l5 5v11a2 2 0 0 1-2 2z',
  download: 'M12 5v11M7 11l5 5 5-5M4 16v2a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-2',
  eye: 'M3 12c2.5-4.5 5.5-6.5 9-6.5s6.5 2 9 6.5c-2.5 4.5-5.5 6.5-9 6.5S5.5 16.5 3 12zM14.5 12a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z',
  filter: 'M4 6h16M7 12h10M10 18h4',
  folder: 'M5 4h4l3 3h7a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z',
  globe: 'M20.5 12a8.5 8.5 0 1 1-17 0 8.5 8.5 0 0 1 17 0zM3.5 12h17M12 3.5c3 3 3 14 0 17M12 3.5c-3 3-3 14 0 17',
  history: 'M12 8v4l2.5 2M3.5 11a8.5 8.5 0 1 1 .5 4M3.5 5v6h6',
  image:
    'M6 5h12a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2zM10.5 9.5a1.5 1.5 0 1 1-3 0 1.5 1.5 0 0 1 3 0zM4 16l4.5-4 4 3.5L16 12l4 4',
  key: 'M12 15a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM10.8 12.2L19 4M16 7l3 3M13.5 9.5l2 2',
  link: 'M9 15l6-6M11 6l.5-.5a5 5 0 0 1 7 7L18 13M13 18l-.4.5a5 5 0 0 1-7.1-7.1L6 11',
  list: 'M9 6h11M9 12h11M9 18h11M4 6h.01M4 12h.01M4 18h.01',
  menu: 'M4 7h16M4 12h16M4 17h16',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  open: 'M7 17L17 7M8 7h9v9',
  pause: 'M8 5v14M16 5v14',
  pencil: 'M4 20h4L19 9a2.8 2.8 0 0 0-4-4L4 16zM13.5 6.5l4 4',
  play: 'M7 5v14l12-7z',
  plus: 'M12 5v14M5 12h14',
  queue: 'M4 6h16M4 12h10M4 18h7M18 14v6M15 17h6',
  refresh: 'M20 11a8 8 0 0 0-15.5-2M4 5v4h4M4 13a8 8 0 0 0 15.5 2M20 19v-4h-4',
  search: 'M17 10.5a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0zM20.5 20.5l-5.2-5.2',
  sessions: 'M8 9h8M8 13h5M5 4h14a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2h-6l-5 3v-3H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M17 7a2 2 0 1 1-4 0 2 2 0 0 1 4 0zM11 17a2 2 0 1 1-4 0 2 2 0 0 1 4 0z',
  shield: 'M12 3l8 3v6c0 4.5-3.4 7.6-8 9-4.6-1.4-8-4.5-8-9V6z',
  steer: 'M5 5v6a3 3 0 0 0 3 3h11M14 9l5 5-5 5',
  stop: 'M8 6h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2z',
  terminal: 'M5 7l5 5-5 5M12 19h7',
  trash: 'M4 7h16M10 11v6M14 11v6M6 7l1 12a2 2 0 0 0 2 2h6a2 2 0 0 0 2-2l1-12M9 7V4h6v3',
  undo: 'M9 14l-5-5 5-5M4 9h10a6 6 0 0 1 0 12h-3',
  upload: 'M12 16V5M7 10l5-5 5 5M4 16v2a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-2',
  warning: 'M12 4L2.5 20h19zM12 10v4M12 17h.01',
} as const;

export type IconName = keyof typeof PATHS;

export interface IconProps {
  name: IconName;
  /** `sm` beside text, `md` alone or in navigation. */
  size?: 'sm' | 'md' | undefined;
  className?: string | undefined;
}

/** One sign of the set, in the colour of the text around it. */
export function Icon({ name, size = 'md', className }: IconProps) {
  const classes = [s.icon, size === 'sm' && s.small, name === 'more' && s.dots, className].filter(Boolean).join(' ');
  return (
    <svg className={classes} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** Every name there is; the gallery shows them all. */
export const ICON_NAMES = Object.keys(PATHS) as IconName[];

/** The moon: the mark of the product. */
export function Mark({ className }: { className?: string | undefined }) {
  return (
    <svg className={[s.icon, s.mark, className].filter(Boolean).join(' ')} viewBox="0 0 24 24" aria-hidden="true">
      <path d="M20.4 14.6A8.9 8.9 0 1 1 9.4 3.6a7 7 0 0 0 11 11z" />
    </svg>
  );
}
