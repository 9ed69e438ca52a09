import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { UserError } from "../common/errors";
import { expandHome, readUserFile } from "../common/userFile";
import { isMap, merge, parseYaml, printYaml, type Yaml } from "./yaml";

/** Of which the base image is. */
export type Distro = "debian" | "ubuntu";

/** What runs the containers; `docker` is Docker Engine with cri-dockerd. */
export type ContainerRuntime = "containerd" | "docker";

/** Which templates go into a machine's first boot. */
export interface TemplateChoice {
  distro: Distro;
  containerRuntime: ContainerRuntime;
  /** Whether sshd trusts a certification authority. */
  sshCa: boolean;
  /** Whether the packages come from a mirror of one's own. */
  mirror: boolean;
  /** Whether the first boot ends with a reboot. */
  reboot: boolean;
  /** Paths of files that take the place of ours, relative to the working directory. */
  userData?: string;
  metaData?: string;
  networkConfig?: string;
}

/** YAML texts with placeholders, without comments: an edited comment is no change. */
export interface Templates {
  userData: string;
  metaData: string;
  networkConfig: string;
}

/** What each template was made from: the names of our layers, or the hash of the user's own text. */
export type TemplateSources = Record<keyof Templates, string>;

/**
 * Reads the templates. Ours of user-data is made of layers, one file each: maps are merged, lists appended. The last
 * layer, which tells the first boot's end, is laid over the user's own too.
 * @throws UserError, which names the choice, for a file that cannot be read, is not a YAML map, or has steps that are
 * not a list
 */
export function readTemplates(choice: TemplateChoice): Templates & { sources: TemplateSources } {
  const names = userDataLayers(choice);
  const layers = choice.networkConfig === undefined ? names.toSpliced(2, 0, "network") : names;
  const userData =
    choice.userData === undefined
      ? layers.map((name) => read("userData", ours(name))).reduce(merge)
      : ownUserData(choice.userData);
  const metaData = printYaml(read("metaData", choice.metaData ?? ours("meta-data")));
  const networkConfig = printYaml(read("networkConfig", choice.networkConfig ?? ours("network-config")));
  return {
    userData: printYaml(merge(userData, read("userData", ours("first-boot")))),
    metaData,
    networkConfig,
    sources: {
      userData: choice.userData === undefined ? names.join(" ") : hashOf(printYaml(userData)),
      metaData: choice.metaData === undefined ? "meta-data" : hashOf(metaData),
      networkConfig: choice.networkConfig === undefined ? "network-config" : hashOf(networkConfig),
    },
  };
}

/** Enough of a SHA-256 to tell one text from another. */
export const hashOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** Steps are appended to these, which a merge would else replace. */
function ownUserData(path: string): Yaml {
  const template = read("userData", path) as { [key: string]: Yaml };
  const wrong = ["bootcmd", "runcmd"].find((key) => template[key] !== undefined && !Array.isArray(template[key]));
  if (wrong === undefined) return template;
  throw new UserError(`userData: ${wrong} in the template ${path} is not a list`, {
    hint: "give one step a list item: - [command, argument]",
  });
}

/** In the order in which their steps run. */
function userDataLayers({ distro, containerRuntime, sshCa, mirror, reboot }: TemplateChoice): string[] {
  const optional = (wanted: boolean, layer: string) => (wanted ? [layer] : []);
  return [
    "user-data",
    distro,
    ...optional(mirror, "mirror"),
    ...optional(sshCa, "ssh-ca"),
    containerRuntime,
    "kubernetes",
    ...optional(reboot, "reboot"),
  ];
}

const ours = (name: string) => join(__dirname, "templates", `${name}.yaml`);

function read(choice: keyof Templates, path: string): Yaml {
  const what = `${choice}: the template ${path}`;
  let text;
  try {
    text = readUserFile(resolve(expandHome(path))).toString("utf8");
  } catch (cause) {
    throw new UserError(`${what} cannot be read`, {
      output: (cause as Error).message,
      hint: "give the path of a YAML file that this user may read",
      cause,
    });
  }
  const template = parseYaml(text, what);
  if (!isMap(template))
    throw new UserError(`${what} is not a YAML map`, { hint: "begin from the one in cloudinit/templates" });
  return template;
}
