import { operations } from "../../providers/engine";

type Bag = Record<string, unknown>;
type AnyProvider = Parameters<typeof operations.create>[0];

/** What the engine records of a resource. */
export interface Recorded {
  id: string;
  outs: Bag & { name: string };
}

/** A resource as the engine drives it: by the protocol of providers/engine.ts, in this process. */
export class Driven {
  /** Undefined while there is no such resource. */
  state?: Recorded;
  private readonly provider: AnyProvider;

  /**
   * @param provider a Provider, whatever its inputs are
   * @param inputs what the program gives when it runs
   */
  constructor(
    provider: object,
    private readonly inputs: () => Bag & { name: string },
  ) {
    this.provider = provider as AnyProvider;
  }

  /**
   * `pulumi up`, with these inputs changed: makes it, brings it up to date or replaces it. What a failure left is
   * recorded.
   */
  async up(changes: Bag = {}): Promise<Recorded> {
    const news = await this.checked(changes);
    if (this.state && (await operations.diff(this.provider, this.state.id, this.state.outs, news)).replaces.length > 0)
      await this.destroy();
    const { state } = this;
    const create = () => operations.create(this.provider, news);
    const update = async ({ id, outs }: Recorded) => ({
      id,
      ...(await operations.update(this.provider, id, outs, news)),
    });
    try {
      const { id, outs } = await (state ? update(state) : create());
      return (this.state = { id, outs: outs as Bag as Recorded["outs"] });
    } catch (error) {
      const { id, properties } = error as { id?: string; properties?: Recorded["outs"] };
      if (id !== undefined && properties) this.state = { id, outs: properties };
      throw error;
    }
  }

  /** `pulumi preview`, with these inputs changed: the properties that differ from the state. */
  async differs(changes: Bag = {}): Promise<string[]> {
    const { id, outs } = this.state!;
    const news = await this.checked(changes);
    const differs = async (property: string) =>
      (await operations.diff(this.provider, id, outs, { ...outs, [property]: news[property] })).changes;
    const properties = Object.keys({ ...outs, ...news });
    const answers = await Promise.all(properties.map(differs));
    return properties.filter((_, index) => answers[index]);
  }

  private async checked(changes: Bag): Promise<Recorded["outs"]> {
    const { inputs, failures } = await operations.check(this.provider, this.state?.outs ?? {}, {
      ...this.inputs(),
      ...changes,
    });
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
    return inputs;
  }

  /** `pulumi refresh`. */
  async refresh(): Promise<Recorded | undefined> {
    const { id, props } = (await operations.read(this.provider, this.state!.id, this.state!.outs)) as {
      id?: string;
      props?: Recorded["outs"];
    };
    return (this.state = id === undefined ? undefined : { id, outs: props! });
  }

  /** `pulumi destroy`. */
  async destroy(): Promise<void> {
    await operations.delete(this.provider, this.state!.id, this.state!.outs);
    this.state = undefined;
  }

  /** An output, or an input. */
  get = <T = string>(property: string): T => this.state!.outs[property] as T;
}
