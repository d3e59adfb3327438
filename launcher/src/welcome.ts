import type { Plan } from './plan.ts';

/** A product of the demo's catalog. */
const BANANAS = '1082185';

/** What to try first, as commands for another terminal. `given` are the settings of this start. */
export function welcome(plan: Plan, given: Readonly<Record<string, string>>): string {
  const urlOf = (name: string, path: string) => {
    const url = `${plan.addresses.services[name]}${path}`;
    // Some shells treat brackets as a pattern.
    return url.includes('[') ? `"${url}"` : url;
  };
  const settings = Object.entries(given).map(([name, value]) => `${name}=${quote(value)} `);
  const bearer = (role: string) =>
    `-H "Authorization: Bearer $(${settings.join('')}npm run --silent token -- ${role})"`;
  const cart = (path: string) => urlOf('cart-service', path);
  return `
Everything runs; Ctrl-C ends it. To try it, in this folder, from another terminal:

  CART=$(curl -s -X POST ${bearer('shopper')} ${cart('/carts')} | node -p 'JSON.parse(fs.readFileSync(0)).id')

  curl ${bearer('shopper')} ${urlOf('catalog-service', `/products/${BANANAS}`)}

  curl ${bearer('shopper')} -H 'Content-Type: application/json' \\
    -d '{ "items": [{ "productId": "${BANANAS}", "quantity": 2 }] }' ${cart('/carts/$CART/items')}

  curl ${bearer('business')} ${urlOf('shopper-tracking-service', `/products/${BANANAS}/counts`)}

`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
