/** The stand-in for the catalog as a program of its own: listens at HOST and PORT, until it is told to end. */
import { openStubCatalog } from './stub-catalog.ts';

const catalog = await openStubCatalog({ host: process.env.HOST!, port: Number(process.env.PORT) });
process.once('SIGTERM', () => void catalog.stop());
