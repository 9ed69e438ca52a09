import { UserError } from "../host/errors";
import { pulumiFolder } from "./binaries";
import { ensureGuestRoot } from "./guestRoot";
import { ensurePackages } from "./packages";
import { log } from "./up";
import { ensureVirtualBox } from "./virtualBox";

/** What `npm test` needs beside Node.js: Debian packages, the real VBoxManage, a Debian root with cloud-init, the Pulumi CLI. */
async function prepareTests(): Promise<void> {
  await ensurePackages(log);
  await Promise.all([pulumiFolder(log), ensureVirtualBox(log), ensureGuestRoot(log)]);
}

prepareTests().catch((error: unknown) => {
  console.error(error instanceof UserError ? `error: ${error.message}` : error);
  process.exitCode = 1;
});
