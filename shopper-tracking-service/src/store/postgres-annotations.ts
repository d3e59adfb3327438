import { type IdempotencyKey, keyReused } from '@micromart/event-log/change-store';
import { problem } from '@micromart/http/problem';
import type { Migrations } from '@micromart/postgres/migrate';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import type { Sweep } from '@micromart/sweeping/sweeping';
import { type Annotation, MAX_ANNOTATIONS } from '../annotation.ts';
import type { AnnotationStore } from './annotation-store.ts';

export const annotationMigrations: Migrations = {
  name: 'annotations',
  folder: new URL('./annotation-migrations/', import.meta.url),
};

const KEY_LIFETIME = '24 hours';

type Row = {
  id: string;
  at: Date;
  text: string;
  product_id: string | null;
  author: string;
  written_at: Date;
};

export const createAnnotations = (pool: Pool): AnnotationStore => ({
  async list({ from, to, productId, after, limit }) {
    const { rows } = await pool.query<Row>({
      name: 'annotations',
      text: `SELECT id, at, text, product_id, author, written_at FROM annotations
             WHERE at >= coalesce($1::timestamptz, '-infinity') AND at < coalesce($2::timestamptz, 'infinity')
               AND ($3::text IS NULL OR product_id IS NULL OR product_id = $3)
               AND (at, id) > (coalesce($4::timestamptz, '-infinity'), coalesce($5::uuid, '00000000-0000-0000-0000-000000000000'))
             ORDER BY at, id LIMIT $6`,
      values: [from ?? null, to ?? null, productId ?? null, after?.at ?? null, after?.id ?? null, limit],
    });
    return rows.map(toAnnotation);
  },

  add: (annotation, answer, key) =>
    inTransaction(pool, async (client) => {
      if (key) await addKey(client, key, answer);
      await addAnnotation(client, annotation);
    }),

  async remove(id) {
    const { rowCount } = await pool.query('DELETE FROM annotations WHERE id = $1', [id]);
    return rowCount === 1;
  },

  async replay<Answer>({ scope, key, fingerprint }: IdempotencyKey) {
    const { rows } = await pool.query<{ fingerprint: string; answer: Answer }>(
      `SELECT fingerprint, answer FROM annotation_keys
       WHERE scope = $1 AND key = $2 AND at > now() - $3::interval`,
      [scope, key, KEY_LIFETIME],
    );
    const [found] = rows;
    if (!found) return undefined;
    if (found.fingerprint !== fingerprint) throw keyReused();
    return { answer: found.answer, replayed: true };
  },
});

/** A key that is due is taken over; one that is not makes the statement fail. */
async function addKey(
  client: Client,
  { scope, key, fingerprint }: IdempotencyKey,
  answer: unknown,
): Promise<void> {
  await client.query(
    'DELETE FROM annotation_keys WHERE scope = $1 AND key = $2 AND at <= now() - $3::interval',
    [scope, key, KEY_LIFETIME],
  );
  await client.query(
    'INSERT INTO annotation_keys (scope, key, fingerprint, answer) VALUES ($1, $2, $3, $4)',
    [scope, key, fingerprint, JSON.stringify(answer)],
  );
}

/** Others that add one wait meanwhile, so that all count what there is; who reads does not wait. */
async function addAnnotation(
  client: Client,
  { id, at, text, productId, author, writtenAt }: Annotation,
): Promise<void> {
  await client.query('LOCK TABLE annotations IN SHARE ROW EXCLUSIVE MODE');
  const { rowCount } = await client.query(
    `INSERT INTO annotations (id, at, text, product_id, author, written_at)
     SELECT $1::uuid, $2::timestamptz, $3::text, $4::text, $5::text, $6::timestamptz
     WHERE (SELECT count(*) FROM annotations) < $7`,
    [id, at, text, productId ?? null, author, writtenAt, MAX_ANNOTATIONS],
  );
  if (rowCount === 1) return;
  throw problem('unprocessable', `There are ${MAX_ANNOTATIONS} annotations already: delete some first.`, {
    type: 'too-many-annotations',
  });
}

const toAnnotation = ({ id, at, text, product_id, author, written_at }: Row): Annotation => ({
  ...{ id, at: at.toISOString(), text, author, writtenAt: written_at.toISOString() },
  ...(product_id !== null && { productId: product_id }),
});

/** Deletes what requests were answered whose keys are too old. */
export const createAnnotationKeySweep = (pool: Pool): Sweep => ({
  table: 'annotation_keys',

  async sweep(limit) {
    const { rowCount } = await pool.query(
      `DELETE FROM annotation_keys WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM annotation_keys WHERE at <= now() - $1::interval ORDER BY at LIMIT $2))`,
      [KEY_LIFETIME, limit],
    );
    return rowCount ?? 0;
  },

  async overdueS() {
    const { rows } = await pool.query<{ seconds: number }>(
      `SELECT extract(epoch FROM now() - $1::interval - at)::float8 AS seconds FROM annotation_keys
       WHERE at <= now() - $1::interval ORDER BY at LIMIT 1`,
      [KEY_LIFETIME],
    );
    return rows[0]?.seconds ?? 0;
  },
});
