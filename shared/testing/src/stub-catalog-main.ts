/** The stub catalog as a program of its own: listens at HOST and PORT until it gets a signal. */
import { openStubCatalog } from './stub-catalog.ts';

const catalog = await openStubCatalog({ host: process.env.HOST!, port: Number(process.env.PORT) });
process.once('SIGTERM', () => void catalog.stop());
