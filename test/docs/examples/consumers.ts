import { Inject, Injectable } from '@nestjs/common';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Consumer as KafkaJsConsumer, Kafka, KafkaMessage } from 'kafkajs';
import { OnLeadershipAcquired, OnLeadershipLost, type LeadershipTerm } from 'nestjs-leader';

/** What consumers have in common. `pause` resolves when nothing is being worked on any more. */
export interface Consumer {
  resume(): void | Promise<void>;
  pause(): void | Promise<void>;
}

@Injectable()
export class LeaderConsumer {
  constructor(@Inject('CONSUMER') private readonly consumer: Consumer) {}

  @OnLeadershipAcquired()
  async begin(term: LeadershipTerm) {
    await this.consumer.resume();
    // Lost while it was being started: the lost handler may have come first.
    if (term.signal.aborted) await this.consumer.pause();
  }

  @OnLeadershipLost()
  async end() {
    await this.consumer.pause();
  }
}

export class RabbitConsumer implements Consumer {
  private tag?: string;
  private readonly working = new Set<Promise<void>>();

  constructor(
    private readonly channel: Channel,
    private readonly queue: string,
    private readonly work: (message: ConsumeMessage) => Promise<void>,
  ) {}

  async resume() {
    await this.channel.prefetch(1); // one at a time, in order
    const deliver = (message: ConsumeMessage | null) => message && this.track(this.deliver(message));
    this.tag = (await this.channel.consume(this.queue, deliver)).consumerTag;
  }

  async pause() {
    if (this.tag !== undefined) await this.channel.cancel(this.tag);
    this.tag = undefined;
    await Promise.all(this.working); // what was delivered before the cancel
  }

  private async deliver(message: ConsumeMessage) {
    try {
      await this.work(message);
      this.channel.ack(message);
    } catch {
      this.channel.nack(message); // back to the queue
    }
  }

  private track(delivery: Promise<void>) {
    this.working.add(delivery);
    void delivery.finally(() => this.working.delete(delivery));
  }
}

export class KafkaConsumer implements Consumer {
  private consumer?: KafkaJsConsumer;

  constructor(
    private readonly kafka: Kafka,
    private readonly topic: string,
    private readonly work: (message: KafkaMessage) => Promise<void>,
  ) {}

  async resume() {
    this.consumer = this.kafka.consumer({ groupId: 'invoices', sessionTimeout: 6_000, heartbeatInterval: 1_000 });
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [this.topic] });
    await this.consumer.run({ autoCommitThreshold: 1, eachMessage: ({ message }) => this.work(message) });
  }

  async pause() {
    await this.consumer?.disconnect();
    this.consumer = undefined;
  }
}
