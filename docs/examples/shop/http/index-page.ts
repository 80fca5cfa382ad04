import type { ListedPlugin } from './plugin-list.ts';
import type { Route } from './routes.ts';

export interface IndexPage {
  readonly shopName: string;
  readonly plugins: readonly ListedPlugin[];
  readonly routes: readonly Route[];
}

/** A small page that lists the plugins with where they are from and what they use, and every route. */
export function renderIndexPage({ shopName, plugins, routes }: IndexPage): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(shopName)}</title>
<style>${styles}</style>
<h1>${escape(shopName)}</h1>
<p>${plugins.length} plugins, ${routes.length} routes. Each plugin has its own schema, its own migrations and its own routes.</p>
${plugins.map((plugin) => renderPlugin(plugin, routes)).join('\n')}
<section>
<h2>the host</h2>
<p class="facts">for operators of the shop</p>
<ul>${['/livez', '/readyz', '/startupz'].map((path) => renderRoute('GET', path)).join('')}</ul>
</section>
</html>
`;
}

function renderPlugin(plugin: ListedPlugin, routes: readonly Route[]): string {
  const own = routes.filter((route) => route.plugin === plugin.id);
  return `<section>
<h2>${escape(plugin.id)}</h2>
${factsOf(plugin)
  .map((fact) => `<p class="facts">${escape(fact)}</p>`)
  .join('\n')}
<ul>${own.map(({ method, path }) => renderRoute(method, path)).join('')}</ul>
</section>`;
}

function factsOf({ isDisabled, isOptional, uses, ...plugin }: ListedPlugin): readonly string[] {
  return [
    ...(isDisabled ? ['disabled in slipway.plugins'] : []),
    ...(isOptional ? ['optional'] : []),
    ...(plugin.package === undefined ? [] : [`found in the package ${plugin.package}`]),
    ...(uses.length === 0 ? [] : [`uses ${uses.join(', ')}`]),
  ];
}

function renderRoute(method: string, path: string): string {
  const shown = `<code><b>${method}</b> ${escape(path)}</code>`;
  const isPlain = method === 'GET' && !path.includes(':');
  return `<li>${isPlain ? `<a href="${escape(path)}">${shown}</a>` : shown}</li>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const styles = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; }
section { border-top: 1px solid #8884; margin-top: 1.25rem; padding-top: .75rem; }
h2 { font-size: 1.1rem; margin: 0; }
.facts { color: #888; font-size: .9rem; margin: 0; }
ul { list-style: none; margin: .5rem 0 0; padding: 0; }
code { font-size: .9rem; }
b { display: inline-block; width: 3.2rem; color: #0a7ea4; }
a { color: inherit; }
`;
