import { defineConfig } from 'vite';

/** Files keep stable names: the page asks for two of them, and those find the others through `import.meta.url`. */
const names = { entryFileNames: '[name].js', chunkFileNames: '[name].js', assetFileNames: '[name][extname]' };

export default defineConfig({
  base: './',
  publicDir: false,
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096, // kB: Monaco
    cssCodeSplit: false,
    license: { fileName: 'LICENSES.md' },
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { graphiql: 'main.js' },
      output: names,
      // Hundreds of dependencies open with 'use client', which means nothing to a page without a server.
      onLog: (level, log, print) => log.code === 'MODULE_LEVEL_DIRECTIVE' || print(level, log),
    },
  },
  worker: {
    format: 'es',
    // Bundled apart from the page, into the same folder: without the hash its chunks would overwrite the page's.
    rolldownOptions: { output: { ...names, chunkFileNames: '[name]-[hash].js' } },
  },
});
