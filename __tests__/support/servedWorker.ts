import { progress } from "./causes";
import { type DrivenWorker, drivenWorker } from "./drivenWorker";
import { type ServedSite, servedSite } from "./servedSite";

/** The site of the test that runs. */
export let site: ServedSite;
/** What its resources have logged. */
export let lines: string[];
/** Its first worker, of which nothing is up yet. */
export let worker: DrivenWorker;

/** A site of its own for each test, with the options of {@link servedSite}. */
export function useServedSite(options?: Parameters<typeof servedSite>[0]): void {
  beforeEach(async () => {
    lines = progress();
    site = await servedSite(options);
    worker = drivenWorker(site);
  });
  afterEach(() => site.remove());
}
