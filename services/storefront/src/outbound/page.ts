// The page as it is served: bundled in memory at the start, so that there is no build step and no folder to keep in step.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const FOLDER = fileURLToPath(new URL('../page', import.meta.url));

export interface Page {
  html: string;
  script: string;
  style: string;
}

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Flash sale</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
<body><div id="page"></div><noscript>This shop needs JavaScript. 本商店需要 JavaScript。</noscript></body>
</html>
`;

export async function buildPage(): Promise<Page> {
  const { outputFiles } = await build({
    entryPoints: [`${FOLDER}/page.tsx`],
    ...{ bundle: true, minify: true, write: false, outdir: FOLDER, charset: 'utf8', logLevel: 'silent' },
    ...{ format: 'esm', target: 'es2022', jsx: 'automatic', jsxImportSource: 'preact' },
    // The one in the folder extends the repository's, which an image does not have.
    tsconfigRaw: '{}',
  });
  const textOf = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  return { html: HTML, script: textOf('.js'), style: textOf('.css') };
}
