// How the window is built and its parts are tested. The result is self-contained: no inline scripts, no remote files,
// so that the app's content policy can forbid both.
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Writes what is not ASCII in scripts as escapes, which mean the same in every string and pattern. A script with one such
 * character is held and read with two bytes for each of its letters; without it with one.
 */
const ascii: Plugin = {
  name: 'ascii',
  apply: 'build',
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== 'chunk') continue;
      file.code = file.code.replace(
        /[\u0080-\uffff]/g,
        (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

export default defineConfig({
  plugins: [react(), ascii],
  resolve: { alias: { '@': at('./src') } },
  // Relative addresses: the same files are served by the app's own scheme and by a folder.
  base: './',
  clearScreen: false,
  server: { port: 1420, strictPort: true, host: '127.0.0.1' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: ['safari17', 'chrome120'],
    modulePreload: { polyfill: false },
    // Fonts and pictures stay files of their own: the content policy allows no data addresses for them.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  test: {
    environment: 'jsdom',
    setupFiles: ['./src/test/setup.ts'],
    include: ['src/**/*.test.{ts,tsx}'],
    css: { modules: { classNameStrategy: 'non-scoped' } },
    restoreMocks: true,
    // Safety nets, no pace: a long walk through a form takes some seconds where two cores do other work as well.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
