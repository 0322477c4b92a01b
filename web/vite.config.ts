// Builds the page into dist/. `npm run dev` serves it with the API of a coordinator on this
// machine (PIROUETTE_URL names another one).
import { defineConfig } from "vite";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { "/api": process.env["PIROUETTE_URL"] ?? "http://127.0.0.1:8080" },
  },
});
