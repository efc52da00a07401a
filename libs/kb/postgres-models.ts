import type { ReembeddingProgress } from '../contract/models-api.js';
import { ModelTable, type Leadership, type ModelState, type Reembedding } from './kb-store.js';
import { assertNoOther, reembeddingOf, textOrNull } from './model-rows.js';
import type { PgSession } from './postgres-driver.js';
import type { PostgresKb } from './postgres-kb.js';
import { keepImportsOut, leadershipOf } from './postgres-lock.js';
import { NOW } from './postgres-schema.js';

const LOCK_PATIENCE_MS = 1_000;

export class PostgresModelTable extends ModelTable {
  constructor(private readonly kb: PostgresKb) {
    super();
  }

  override state(): Promise<ModelState> {
    return this.stateOf(this.kb);
  }

  override begin(
    { target, model }: Pick<Reembedding, 'target' | 'model'>,
    current: string,
  ): Promise<ModelState> {
    return this.kb.write(async (session) => {
      const { reembedding } = await this.stateOf(session);
      assertNoOther(reembedding, target);
      const pin = 'UPDATE referent.kb SET active_model = coalesce(active_model, $2) WHERE id = $1';
      await session.run(pin, this.kb.identity.id, current);
      if (reembedding?.target !== target) await session.run('DELETE FROM kb_schema.reembedding');
      await session.run(
        `INSERT INTO kb_schema.reembedding (one, target, model, problem, started_at)
           VALUES (1, $1, $2, NULL, ${NOW})
         ON CONFLICT (one) DO UPDATE SET model = excluded.model, problem = NULL`,
        target,
        model,
      );
      return this.stateOf(session);
    });
  }

  override async lead(): Promise<Leadership | null> {
    const own = await leadershipOf(this.kb);
    return own && { release: own.end };
  }

  override async report(target: string, progress: ReembeddingProgress): Promise<void> {
    const sql = 'UPDATE kb_schema.reembedding SET progress = $2 WHERE target = $1';
    await this.kb.run(sql, target, JSON.stringify(progress));
  }

  override async stop(problem: string): Promise<void> {
    const said = problem.replaceAll('\0', '').slice(0, 2_000);
    await this.kb.write((session) =>
      session.run('UPDATE kb_schema.reembedding SET problem = $1', said),
    );
  }

  override async cancel(): Promise<void> {
    await this.kb.write((session) => session.run('DELETE FROM kb_schema.reembedding'));
  }

  override activate(target: string): Promise<{ readonly missing: number }> {
    return this.kb.write(
      (session) => this.activateNow(session, target),
      (session) => keepImportsOut(session, this.kb, LOCK_PATIENCE_MS),
    );
  }

  private async activateNow(session: PgSession, target: string) {
    const { reembedding } = await this.stateOf(session);
    const missing = Number(await session.value(COUNT_WITHOUT, target));
    if (missing > 0 || reembedding?.target !== target || reembedding.problem !== null) {
      return { missing };
    }
    await session.run(
      `UPDATE referent.kb SET previous_model = active_model, active_model = $2, updated_at = ${NOW}
       WHERE id = $1 AND active_model IS DISTINCT FROM $2`,
      this.kb.identity.id,
      target,
    );
    await session.run('DELETE FROM kb_schema.reembedding');
    return { missing };
  }

  /** The state as a transaction sees it. */
  async stateOf(session: PgSession): Promise<ModelState> {
    const [row] = await session.rows(STATE, this.kb.identity.id);
    if (row === undefined) throw this.kb.gone();
    const [active, previous, ...reembedding] = row;
    return {
      active: textOrNull(active),
      previous: textOrNull(previous),
      reembedding: typeof reembedding[0] === 'string' ? reembeddingOf(reembedding) : null,
    };
  }
}

const STATE = `
  SELECT kb.active_model, kb.previous_model, r.target, r.model, r.problem, r.started_at, r.progress
  FROM referent.kb AS kb LEFT JOIN kb_schema.reembedding AS r ON true WHERE kb.id = $1`;

const COUNT_WITHOUT = `
  SELECT count(*) FROM kb_schema.entity AS e WHERE NOT EXISTS (
    SELECT 1 FROM kb_schema.vector AS v JOIN kb_schema.model AS m ON m.id = v.model
    WHERE m.version = $1 AND v.content_hash = e.content_hash)`;
