/**
 * In the place of the launcher's own: faults come much closer together here than in life, so a process that was killed
 * again soon after its start would wait ever longer. Here each start is waited for as for the first.
 */
import { backOffMs as ownBackOffMs } from '@micromart/launcher/back-off';

export const backOffMs: typeof ownBackOffMs = (_previousMs, upMs) => ownBackOffMs(0, upMs);
