import { render } from "../../cloudinit/render";
import { filesOf, renderOptions, someHostKey, userDataOf } from "../support/cloudInit";
import { inGuest } from "../support/guestRoot";

// What needs a Debian with cloud-init: a new root and a new layer for each, so a few tests that look at much.
jest.setTimeout(240_000);

const cri = { criDockerdUrl: "https://example.org/cri-dockerd.deb", criDockerdSha256: "a".repeat(64) };
const optional = {
  sshCaPublicKey: "ssh-ed25519 CA",
  debianMirror: "http://mirror/debian",
  sandboxImage: "registry.k8s.io/pause:3.10",
};
const everyChoice = (["debian", "ubuntu"] as const).flatMap((distro) =>
  (["containerd", "docker"] as const).flatMap((containerRuntime) =>
    [false, true].map((all) => {
      const given = {
        ...cri,
        ...(all && optional),
        distro,
        packageUpgrade: all,
        macAddresses: ["080027A1B2C3", "080027A1B2C4"],
      };
      return {
        name: `${distro}-${containerRuntime}-${all}`,
        options: renderOptions(given, { containerRuntime, sshCa: all, mirror: all, reboot: all }),
      };
    }),
  ),
);

test("cloud-init finds no fault with any rendering", async () => {
  const files: Record<string, string> = {};
  for (const { name, options } of everyChoice) {
    const rendering = render(options, someHostKey).files;
    files[`/check/cloud-config/${name}`] = rendering["user-data"];
    files["/check/network-config/nics"] = rendering["network-config"];
  }
  const check =
    "for f in /check/*/*; do cloud-init schema --schema-type $(basename $(dirname $f)) --config-file $f 2>&1 || echo BAD; done";
  const { stdout } = await inGuest(check, files);
  expect(stdout).not.toContain("BAD");
  expect(stdout.match(/^Valid schema/gm)).toHaveLength(Object.keys(files).length);
});

const scripts = {
  ...filesOf(userDataOf(renderOptions())),
  ...filesOf(userDataOf(renderOptions(cri, { containerRuntime: "docker" }))),
};
const programs = Object.fromEntries(Object.entries(scripts).filter(([path]) => path.startsWith("/usr/local/sbin/")));

/** Programs that say what they were called with. */
const recorders = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [`/usr/local/bin/${name}`, `#!/bin/sh\necho "${name} $*"\n`]));
const apt = recorders("apt-get");
const printer = (name: string, output: string) => ({
  [`/usr/local/bin/${name}`]: `#!/bin/sh\ncat <<'END'\n${output}\nEND\n`,
});

test("packages are installed only when they are missing", async () => {
  expect(Object.keys(programs)).toHaveLength(12);
  const { stdout } = await inGuest(
    `for program in /usr/local/sbin/*; do sh -n $program; done
    install-packages curl gnupg; echo --
    install-packages curl socat bridge-utils; echo --
    hold-packages curl socat; dpkg --get-selections curl`,
    { ...programs, ...apt },
  );
  expect(stdout).toBe("--\napt-get update\napt-get install socat bridge-utils\n--\ncurl\t\t\t\t\t\thold");
});

test("packages are upgraded only where that is wanted", async () => {
  const { stdout } = await inGuest("upgrade-packages wanted=false; echo --; upgrade-packages wanted=true", {
    ...programs,
    ...apt,
  });
  expect(stdout).toBe("--\napt-get update\napt-get dist-upgrade");
});

/** Holds locks as apt and dpkg do (fcntl), until it is told to let go. */
const hold = (...files: string[]) => `python3 -c '
import fcntl, os, signal, sys
held = [open(file, "w") for file in sys.argv[1:]]
[fcntl.lockf(file, fcntl.LOCK_EX) for file in held]
open("/run/held", "w")
signal.pause()
' ${files.join(" ")} </dev/null >/dev/null 2>&1 & holder=$!; echo $holder >/run/holder; trap 'kill $holder 2>/dev/null || true' EXIT; while [ ! -e /run/held ]; do /usr/bin/sleep 0.1; done`;
/** Says that somebody has been waiting, and ends the waiting. */
const impatience = {
  "/usr/local/bin/sleep":
    "#!/bin/sh\n/usr/bin/sleep 0.1; [ ! -e /run/held ] || { rm /run/held; echo waits; kill $(cat /run/holder); }\n",
};
const lists = "/var/lib/apt/lists/lock";
const frontend = "/var/lib/dpkg/lock-frontend";

test.each([
  ["the lists, for the lists", lists, "/usr/local/sbin/when-unlocked apt-get update"],
  ["the lists, for a new repository", lists, "install-packages no-such-package || [ $? -eq 100 ]"],
  [
    "dpkg, for an installation",
    frontend,
    "/usr/local/sbin/when-unlocked apt-get install -y --reinstall --download-only base-files",
  ],
  ["dpkg's own, for an installation", "/var/lib/dpkg/lock", "/usr/local/sbin/when-unlocked dpkg --configure -a"],
  [
    "the archives, for a download",
    "/var/cache/apt/archives/lock",
    "/usr/local/sbin/when-unlocked apt-get install -y --reinstall --download-only base-files",
  ],
  ["dpkg, for a selection", frontend, "hold-packages curl"],
])("a lock on %s is waited for", async (_what, lock, command) => {
  const sources = { "/etc/apt/sources.list": "" };
  const script = `${hold(lock)}; ${command}; echo done`;
  const result = await inGuest(script, { ...programs, ...impatience, ...sources });
  expect(result).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(/^waits$[^]*^done$/m),
    stderr: expect.stringMatching(/lock/),
  });
});

test("a lock that stays ends the waiting, with the program's own words", async () => {
  const { exitCode, stderr } = await inGuest(`${hold(frontend)}; LOCK_SECONDS=3 hold-packages curl`, programs);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^(dpkg: error: .*locked by [^]*){2}$/);
});

test("a repository is trusted only with the one key of the fingerprint", async () => {
  const { stdout } = await inGuest(
    `export GNUPGHOME=/var/tmp/keys; mkdir -m 700 $GNUPGHOME
    for who in right wrong; do
      gpg --batch --quiet --passphrase '' --quick-generate-key $who ed25519 2>/dev/null; gpg --armor --export $who >/var/tmp/$who.asc
    done
    gpg --armor --export >/var/tmp/both.asc
    fingerprint=$(gpg --with-colons --list-keys right | awk -F: '$1 == "fpr" { print $10; exit }')
    gpgconf --kill all; unset GNUPGHOME
    for key in wrong both missing; do
      ! apt-repository test http://repository/deb / file:///var/tmp/$key.asc $fingerprint 2>/dev/null
      ls /etc/apt/keyrings /etc/apt/sources.list.d
    done
    echo --; apt-repository test http://repository/deb "trixie stable" file:///var/tmp/right.asc $fingerprint
    cat /etc/apt/sources.list.d/test.list; stat -c %a /etc/apt/keyrings/test.gpg
    gpg --show-keys --with-colons /etc/apt/keyrings/test.gpg 2>/dev/null | grep -c "^fpr.*$fingerprint"`,
    { ...programs, ...apt },
  );
  expect(stdout.replace(/^\/etc\/apt\/\S+:\n|^\n/gm, "")).toBe(
    [
      "--",
      "apt-get update",
      "deb [signed-by=/etc/apt/keyrings/test.gpg] http://repository/deb trixie stable",
      "644",
      "1",
    ].join("\n"),
  );
});

test("what is installed already is left alone", async () => {
  const there = {
    ...printer("kubelet", "Kubernetes v1.36.3"),
    ...printer("kubeadm", "v1.36.3"),
    ...recorders("kubectl", "containerd", "dockerd", "cri-dockerd"),
  };
  const { stdout, stderr } = await inGuest(
    `install-kubernetes 1.36.3 http://k8s http://key F
    install-containerd containerd.io http://docker http://key F
    install-docker docker-ce http://docker http://key F
    install-cri-dockerd http://deb 00 ''`,
    { ...programs, ...apt, ...there },
  );
  expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
});

test("Kubernetes and the runtime are installed at their version", async () => {
  const fake = {
    "/usr/local/sbin/apt-repository": '#!/bin/sh\necho "apt-repository $*"\n',
    ...printer("kubelet", "Kubernetes v1.35.0"),
  };
  const { stdout } = await inGuest(
    `install-kubernetes 1.36.3 http://k8s http://key F
    install-containerd containerd.io http://docker http://key F
    install-containerd containerd http://docker http://key F
    install-docker docker-ce http://docker http://key F
    install-docker docker.io http://docker http://key F`,
    { ...programs, ...apt, ...fake },
  );
  const packages = "kubelet=1.36.3-* kubeadm=1.36.3-* kubectl=1.36.3-*";
  expect(stdout.split("\n")).toEqual([
    "apt-repository kubernetes http://k8s / http://key F",
    `apt-get install --allow-downgrades --allow-change-held-packages ${packages}`,
    "apt-repository docker http://docker trixie stable http://key F",
    "apt-get update",
    "apt-get install containerd.io",
    "apt-get update",
    "apt-get install containerd",
    "apt-repository docker http://docker trixie stable http://key F",
    "apt-get update",
    "apt-get install docker-ce docker-ce-cli containerd.io",
    "apt-get update",
    "apt-get install docker.io",
  ]);
});

test("a cri-dockerd of another checksum is not installed", async () => {
  const { stdout, stderr, exitCode } = await inGuest(`install-cri-dockerd file:///deb ${"0".repeat(64)} ''`, {
    ...programs,
    ...apt,
    "/deb": "x",
  });
  expect(exitCode).toBe(1);
  expect(stdout).toContain("cri-dockerd.deb: FAILED");
  expect(stdout + stderr).not.toContain("apt-get install");
});

test("containerd is configured in the form that it reads", async () => {
  const form = async (defaults: string, pause: string) => {
    const files = { ...programs, ...printer("containerd", defaults), ...recorders("systemctl") };
    const script = `for turn in 1 2; do configure-containerd '${pause}'; done; ls /etc/containerd; cat /etc/containerd/config.toml`;
    const [restart, list, ...lines] = (await inGuest(script, files)).stdout.split("\n").filter(Boolean);
    expect([restart, list]).toEqual(["systemctl restart containerd.service", "config.toml"]);
    return lines;
  };
  expect(await form("[plugins.'io.containerd.cri.v1.runtime'.cni]\n  bin_dirs = []", "pause:1")).toEqual([
    "version = 3",
    "[plugins.'io.containerd.cri.v1.images'.pinned_images]",
    "  sandbox = 'pause:1'",
    "[plugins.'io.containerd.cri.v1.runtime'.cni]",
    "  bin_dirs = ['/opt/cni/bin']",
    "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]",
    "  runtime_type = 'io.containerd.runc.v2'",
    "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]",
    "  SystemdCgroup = true",
  ]);
  const second = await form('[plugins."io.containerd.grpc.v1.cri".cni]\n  bin_dir = ""', "");
  expect(second.slice(0, 3)).toEqual([
    "version = 2",
    "[plugins.'io.containerd.grpc.v1.cri'.cni]",
    "  bin_dir = '/opt/cni/bin'",
  ]);
});

test("swap stays off, however often", async () => {
  const [, ...sed] = userDataOf(renderOptions()).runcmd.find(([program]) => program === "sed")!;
  const quoted = sed.map((word) => `'${word}'`).join(" ");
  const fstab = "UUID=1 / ext4 rw 0 1\n/swap.img\tnone\tswap\tsw\t0\t0\n# /old none swap sw 0 0\n";
  const { stdout } = await inGuest(`sed ${quoted}; sed ${quoted}; cat /etc/fstab`, { "/etc/fstab": fstab });
  expect(stdout).toBe(fstab.replace("/swap.img", "#/swap.img").trimEnd());
});

test("a distribution's CNI plugins are linked, never over others", async () => {
  const plugins = { "/usr/lib/cni/bridge": "", "/usr/lib/cni/host-local": "", "/opt/cni/bin/bridge": "" };
  const { stdout } = await inGuest("link-cni-plugins; link-cni-plugins; ls /opt/cni/bin; readlink /opt/cni/bin/*", {
    ...programs,
    ...plugins,
  });
  expect(stdout.split("\n")).toEqual(["bridge", "host-local", "/usr/lib/cni/host-local"]);
});
