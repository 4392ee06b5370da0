import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `vite build` makes dist/page; `vite` serves the page as it is edited, in front of the server on port 8080. */
export default defineConfig({
  root: 'app',
  // Relative, so that the page also works below a path of a proxy.
  base: './',
  plugins: [react()],
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    // The page's policy allows no data URIs for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:8080' } },
});
