import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { render } from "../../cloudinit/render";
import { readReport, REPORT_COMMAND } from "../../cloudinit/report";
import { ourTemplates, renderOptions, someHostKey } from "../support/cloudInit";
import { inGuest } from "../support/guestRoot";

// The simulated guest (dev/simulator/guest.ts) must be as unkind as this: the real cloud-init, in a Debian.
jest.setTimeout(120_000);

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "user-data-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("a step that the power ended is never run again, and the next boot is clean: only the mark tells", async () => {
  const userData = join(folder, "user-data.yaml");
  writeFileSync(userData, "runcmd: [kill -9 0]\n");
  const { files } = render(renderOptions(ourTemplates({ userData })), someHostKey);
  const seed = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [`/var/lib/cloud/seed/nocloud/${name}`, text]),
  );
  const boot =
    "rm -rf /run/cloud-init; cloud-init init; cloud-init modules --mode config; setsid --wait cloud-init modules --mode final";
  const { stdout } = await inGuest(
    `set +e; ( ${boot} ) >/dev/null 2>&1
    ( ${boot} ) >/dev/null 2>&1
    ${REPORT_COMMAND}; echo; ls /var/lib/cloud/instance/scripts`,
    {
      ...seed,
      "/etc/cloud/cloud.cfg.d/99.cfg": `datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [bootcmd]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts_user]
`,
      "/usr/local/bin/systemctl": "#!/bin/sh\nexit 1\n",
      "/usr/local/bin/sudo": '#!/bin/sh\nshift\nexec "$@"\n',
    },
  );
  const [report, scripts] = stdout.split(/\nend\s+/);
  expect(scripts).toBe("runcmd");
  expect(readReport(`${report}\nend`)).toMatchObject({
    reached: "-",
    status: "done",
    errors: [],
    firstBootId: expect.any(String),
  });
});
