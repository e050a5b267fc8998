// Mantine's theme: it only points at the tokens, so that a colour or size is changed in tokens.css alone.
// Mantine's styles come in a cascade layer (see main.tsx); any rule of ours therefore wins without tricks.
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

const same = (name: string): MantineColorsTuple => {
  const value = `var(${name})`;
  return [value, value, value, value, value, value, value, value, value, value];
};

const pick = (...names: string[]) => names.map((name) => `var(--${name})`) as unknown as MantineColorsTuple;

const scrim = { color: 'var(--scrim)', backgroundOpacity: 1 };
const dialog = {
  centered: true,
  radius: 'lg',
  shadow: 'xl',
  zIndex: 'var(--z-dialog)',
  transitionProps: { transition: 'fade', duration: 140 },
} as const;
const floating = {
  shadow: 'md',
  zIndex: 'var(--z-menu)',
  transitionProps: { transition: 'fade', duration: 100 },
} as const;

export const theme = createTheme({
  fontFamily: 'var(--font-ui)',
  fontFamilyMonospace: 'var(--font-mono)',
  headings: { fontFamily: 'var(--font-ui)', fontWeight: 'var(--weight-semibold)' },
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 5 },
  white: 'var(--surface-panel)',
  black: 'var(--ink)',
  colors: {
    accent: same('--accent'),
    // From light ink to the deepest ground in `dark`, the other way round in `gray`: Mantine's own styles index them.
    dark: pick(
      'ink',
      'ink-2',
      'ink-3',
      'ink-disabled',
      'border-strong',
      'surface-raised-hover',
      'surface-raised',
      'surface-panel',
      'surface-sunken',
      'surface-app',
    ),
    gray: pick(
      'surface-raised-hover',
      'surface-hover',
      'surface-active',
      'border',
      'border-strong',
      'ink-disabled',
      'ink-3',
      'ink-2',
      'ink-2',
      'ink',
    ),
  },
  fontSizes: {
    xs: 'var(--text-xs)',
    sm: 'var(--text-sm)',
    md: 'var(--text-md)',
    lg: 'var(--text-lg)',
    xl: 'var(--text-xl)',
  },
  lineHeights: { xs: 'var(--lh-xs)', sm: 'var(--lh-sm)', md: 'var(--lh-md)', lg: 'var(--lh-lg)', xl: 'var(--lh-xl)' },
  spacing: {
    xs: 'var(--space-1)',
    sm: 'var(--space-2)',
    md: 'var(--space-3)',
    lg: 'var(--space-4)',
    xl: 'var(--space-6)',
  },
  radius: {
    xs: 'var(--radius-xs)',
    sm: 'var(--radius-sm)',
    md: 'var(--radius-md)',
    lg: 'var(--radius-lg)',
    xl: 'var(--radius-full)',
  },
  shadows: {
    xs: 'var(--shadow-card)',
    sm: 'var(--shadow-card)',
    md: 'var(--shadow-menu)',
    lg: 'var(--shadow-drag)',
    xl: 'var(--shadow-dialog)',
  },
  defaultRadius: 'sm',
  cursorType: 'default',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    Input: {
      vars: () => ({ wrapper: { '--input-height': 'var(--control)', '--input-fz': 'var(--text-sm)' } }),
    },
    Tooltip: {
      defaultProps: { openDelay: 500, zIndex: 'var(--z-menu)', transitionProps: { transition: 'fade', duration: 60 } },
    },
    Modal: { defaultProps: { ...dialog, overlayProps: scrim } },
    ModalRoot: { defaultProps: dialog },
    ModalOverlay: { defaultProps: scrim },
    // What Mantine puts into a menu to hold the focus is no item of it, which readers are told as a fault.
    Menu: { defaultProps: { ...floating, radius: 'lg', withInitialFocusPlaceholder: false } },
    Popover: { defaultProps: { ...floating, radius: 'lg' } },
    Combobox: { defaultProps: { ...floating, radius: 'md' } },
  },
});

/** Mantine's own variables, renamed to ours; the tokens themselves follow the scheme. */
export const resolver: CSSVariablesResolver = () => {
  const both = {
    '--mantine-color-body': 'var(--surface-raised)',
    '--mantine-color-text': 'var(--ink)',
    '--mantine-color-bright': 'var(--ink)',
    '--mantine-color-dimmed': 'var(--ink-3)',
    '--mantine-color-placeholder': 'var(--ink-3)',
    '--mantine-color-anchor': 'var(--accent-text)',
    '--mantine-color-error': 'var(--failed)',
    '--mantine-color-success': 'var(--done)',
    '--mantine-color-default': 'var(--surface-panel)',
    '--mantine-color-default-hover': 'var(--surface-hover)',
    '--mantine-color-default-color': 'var(--ink)',
    '--mantine-color-default-border': 'var(--border-input)',
    '--mantine-color-disabled': 'var(--surface-hover)',
    '--mantine-color-disabled-color': 'var(--ink-disabled)',
    '--mantine-color-disabled-border': 'var(--border)',
    '--mantine-color-accent-filled': 'var(--accent)',
    '--mantine-color-accent-filled-hover': 'var(--accent-hover)',
    '--mantine-color-accent-light': 'var(--accent-soft)',
    '--mantine-color-accent-light-hover': 'var(--accent-soft)',
    '--mantine-color-accent-light-color': 'var(--accent-text)',
    '--mantine-color-accent-outline': 'var(--accent)',
    '--mantine-primary-color-contrast': 'var(--on-accent)',
  };
  return {
    variables: {
      '--mantine-z-index-app': 'var(--z-sticky)',
      '--mantine-z-index-modal': 'var(--z-dialog)',
      '--mantine-z-index-popover': 'var(--z-menu)',
      '--mantine-z-index-overlay': 'var(--z-toast)',
      '--mantine-z-index-max': 'var(--z-drop)',
    },
    light: both,
    dark: both,
  };
};
