/* on_demand.pml: clients that start a daemon, and a daemon that exits when idle.
 *
 * Clients; of each start, a launcher and a daemon. SIGKILL of a launcher or a daemon anywhere (-DKILLS=1), a start that
 * fails (-DFAILS=1), a stop at any time (-DSTOPS=1), an outsider that removes the socket's name (-DOUT=1). With
 * -DLEAVES=n a daemon is idle n times at most, and then stays, as if other clients kept it busy. Checked exhaustively with
 * Spin 6.5.2; scripts/models runs every configuration.
 *
 * Of the pidfile there is its lock here, and the process that it names; pidfile.pml has the rest. Of a start there are
 * fork, READY and GO; launch.pml has the rest.
 *
 * A listener is a socket that a launcher binds; it listens while a copy of its descriptor is open. connect(2) looks the
 * name up, and then queues the client in the backlog of the listener that it has found: two steps. The last close resets
 * the clients in the backlog: they read end of file, and no greeting. The directory has the name `socket`, and `leaving`
 * while a daemon decides about its exit. A client that watches the directory learns of each change.
 *
 * Properties: one daemon at most. A client gets an error only if its own launcher was killed or its start has failed, or
 * if a launcher has passed the failure of its start on. Each client ends, after at most as many starts as there are
 * clients, failures, kills, stops and removals. No process touches a name that belongs to another start. A client is
 * greeted only by a daemon whose start has succeeded, and stops only a daemon that no client can reach.
 *
 * Guards to switch off, each with a counterexample:
 *   F_NORETRY (D3: end of file before the greeting is an error)      F_EDGE (D4: a client watches after its look)
 *   F_NOFIRST (D8: a daemon may be idle before its first client)     F_EARLY (D6: the daemon greets before GO)
 *   F_LISTEN (D1: the name is there before the socket listens)       F_BIND (D1: a launcher binds before it has the lock)
 *   F_KEEP (D2: a launcher keeps its copy of the listener)           F_DEAF (D2: a failed launcher closes without an answer)
 *   F_LATE (D2: a failed launcher removes the name when the lock is free)
 *   F_UNLOCK (D9: a daemon that exits frees the lock before its names are gone)
 *   F_CANCEL (D7: a daemon that does not leave after all is not renamed back)
 *   F_NOREPLACE (D5: a client waits for a living daemon that has no name)
 *   F_LOOKS (D5: a client does not ask whether something has changed between its looks at the two names)
 * These yield none, and are kept for what the model leaves out, the number of starts:
 *   NORENAME (D7: no rename before the drain)                        NODRAIN (D7: no drain before the exit)
 */
#ifndef NC
#define NC 2       /* clients */
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef FAILS
#define FAILS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef OUT
#define OUT 0
#endif
#ifndef LEAVES
#define LEAVES 9   /* how often a daemon is idle: after that it stays, as if others kept it busy */
#endif
#define NL (NC+KILLS+FAILS+STOPS+OUT)      /* starts */

#define NONE 0
#define READY 1
#define FAILED 2
#define RESET 3
#define KILLED 4

byte sock, leaving;            /* the listeners under the two names */
byte refs[NL+1];               /* open copies of a listener */
byte backlog[NL+1];            /* its clients, a bit each */
bit deaf[NL+1];                /* bound, and not listening yet */
byte copies, owner;            /* open copies of the lock; the start that has it */
byte res[NC+1], out[NC+1];     /* greeting of a client; outcome of its start */
bit ready[NL+1], go[NL+1], ldead[NL+1], ddead[NL+1], termed[NL+1];
bit serving[NL+1];             /* the daemon works and does not leave */
byte streams, running, starts, kills, fails, stops, outs, leaves;
bit pend[NC+1];                /* an event that a client has not read */
bit lk[NL+1], dk[NL+1];        /* SIGKILL pending for a launcher, a daemon */

#define bitof(c) (1<<(c))
#define listens(l) (refs[l]>0 && !deaf[l])
/* inotify(7): each client that watches learns of it */
#if NC>2
#define changed pend[1]=1; pend[2]=1; pend[3]=1
#else
#define changed pend[1]=1; pend[2]=1
#endif

/* the last close resets the backlog */
inline closeone(l) {
  refs[l]--;
  if :: refs[l]==0 -> resetall(l) :: else fi
}
inline answer(l,c,what) { if :: (backlog[l] & bitof(c)) -> backlog[l]=backlog[l] & ~bitof(c); res[c]=what :: else fi }
inline resetall(l) { answer(l,1,RESET); answer(l,2,RESET);
#if NC>2
  answer(l,3,RESET)
#endif
}
inline failall(l) { answer(l,1,FAILED); answer(l,2,FAILED);
#if NC>2
  answer(l,3,FAILED)
#endif
}
/* accept(2) of any client, and its greeting */
inline greet(l) {
  assert(go[l]);
  if :: (backlog[l] & 2) -> answer(l,1,READY) :: (backlog[l] & 4) -> answer(l,2,READY)
#if NC>2
     :: (backlog[l] & 8) -> answer(l,3,READY)
#endif
  fi;
  streams++
}

proctype Daemon(byte l) {
  bit first, own, hr=1, hl=1;
  {
    if :: fails<FAILS -> fails++; goto over      /* a stage fails, or the body */
       :: true
    fi;
#ifdef F_EARLY
    if :: atomic { backlog[l]!=0 -> greet(l); first=1 } :: true fi;
#endif
    ready[l]=1;
    atomic { if :: go[l] -> assert(running==0); running++; own=1; serving[l]=1 :: ldead[l] && !go[l] -> goto over fi };
serve:
end_idle:                                                                         /* no client at all: it leaves in time */
    do
    :: atomic { backlog[l]!=0 -> greet(l); first=1 }
#ifndef F_NOFIRST
    :: atomic { leaves<LEAVES && first && streams==0 && backlog[l]==0 -> leaves++; serving[l]=0; break }    /* idle */
#else
    :: atomic { leaves<LEAVES && streams==0 && backlog[l]==0 -> leaves++; serving[l]=0; break }
#endif
    :: atomic { stops<STOPS -> stops++; serving[l]=0; goto stop }
    :: atomic { termed[l] -> serving[l]=0; goto stop }
    od;
#ifndef NORENAME
    atomic { if :: sock==l -> leaving=l; sock=0; changed :: else fi };            /* rename(2) */
#endif
#ifndef NODRAIN
    if :: atomic { backlog[l]!=0 -> greet(l); first=1 };                          /* drained: the exit is cancelled */
#ifndef NORENAME
#ifndef F_CANCEL
          atomic { if :: leaving==l -> leaving=0; sock=l; changed :: else fi };
#endif
#endif
          serving[l]=1;
          goto serve
       :: backlog[l]==0 -> skip
    fi;
#endif
stop:
#ifdef F_UNLOCK
    atomic { copies--; hl=0; running--; own=0; changed };
#endif
    /* the attachment ends: its names, under the lock, and its listener */
    atomic { if :: sock==l || leaving==l :: sock==0 && leaving==0 :: else -> assert(OUT>0) fi };
#ifdef F_UNLOCK
    atomic { if :: sock!=0 -> assert(sock==l); sock=0; changed :: else fi };
#else
    atomic { if :: sock==l -> sock=0; changed :: else fi };
#endif
    atomic { if :: leaving!=0 -> assert(leaving==l); leaving=0 :: else fi };
    atomic { closeone(l); hr=0 };
over:
    skip
  } unless { dk[l] };
  atomic {
    if :: hr -> closeone(l); hr=0 :: else fi;
    if :: own -> running--; own=0 :: else fi;
    serving[l]=0; ddead[l]=1;
    if :: hl -> copies--; hl=0; changed :: else fi
  }
}

proctype Launcher(byte c, l) {
  bit hr, hl=1, said;
  {
    atomic { leaving=0 };                                                         /* of a daemon that was killed */
#ifndef F_BIND
    /* bind(2) and listen(2) under another name, then rename(2) over it */
#ifdef F_LISTEN
    atomic { deaf[l]=1; refs[l]=1; hr=1; sock=l; changed };                       /* bind(2) */
    deaf[l]=0;                                                                    /* listen(2): no event */
#else
    atomic { refs[l]=1; hr=1; sock=l; changed };
#endif
#else
    hr=1;
#endif
    atomic { copies++; refs[l]++; run Daemon(l) };
    if :: atomic { ready[l] && !ddead[l] -> go[l]=1 }
       :: ddead[l] -> goto failed
    fi;
    atomic { copies--; hl=0 };
#ifndef F_KEEP
    atomic { closeone(l); hr=0 };
#else
    hr=0;
#endif
    atomic { out[c]=READY; said=1 }
    goto over;
failed:
    atomic { copies--; hl=0; changed };                                           /* the rollback; from here on no name */
#ifdef F_LATE
    atomic { if :: sock!=0 -> assert(sock==l); sock=0; changed :: else fi };
#endif
#ifndef F_DEAF
    atomic { failall(l) };
#endif
    atomic { closeone(l); hr=0 };
    atomic { out[c]=FAILED; said=1 };
over:
    skip
  } unless { lk[l] };
  atomic {
    ldead[l]=1;
    if :: hr -> closeone(l); hr=0 :: else fi;
    if :: hl -> copies--; hl=0; changed :: else fi;
    if :: !said -> out[c]=KILLED :: else fi
  }
}

proctype Client(byte c) {
  byte l;
  bit watches;
again:
  l=sock;                                                                         /* connect(2): the name */
  if :: l==0 -> goto slow :: else fi;
  atomic { if :: listens(l) -> backlog[l]=backlog[l] | bitof(c); res[c]=NONE      /* and the backlog */
              :: else -> goto slow fi };
  if :: res[c]==READY -> goto served
     :: res[c]==FAILED -> assert(fails>0); goto end
     :: res[c]==RESET ->
#ifdef F_NORETRY
        assert(false)
#endif
#ifdef F_DEAF
        assert(!(fails>0 && ldead[l] && kills==0 && starts==l));
#endif
        goto again
  fi;
slow:
#ifdef F_BIND
  atomic { starts++; l=starts; assert(starts<=NL); refs[l]=1; sock=l; changed };
  atomic { if :: copies==0 -> copies=1; owner=l :: else -> closeone(l); goto wait fi };
#else
  atomic { if :: copies==0 -> copies=1; starts++; l=starts; owner=l; assert(starts<=NL) :: else -> goto wait fi };
#endif
  atomic { out[c]=NONE; run Launcher(c,l) };
  if :: out[c]==READY -> goto again
     :: out[c]==FAILED -> assert(fails>0); goto end
     :: out[c]==KILLED -> assert(kills>0); goto end
  fi;
wait:
#ifdef F_EDGE
  pend[c]=0;                                                                      /* the watch, after the look */
#else
  if :: !watches -> atomic { watches=1; pend[c]=0; goto again }                   /* the watch, and then another look */
     :: else -> skip
  fi;
#endif
#ifndef F_NOREPLACE
  /* the pidfile names a daemon that works (its start, then its process): has it a name? */
  atomic { if :: copies>0 && go[owner] && !ddead[owner] -> l=owner :: else -> l=0 fi };
  if :: sock!=0 -> goto await :: else -> skip fi;
  if :: leaving!=0 -> goto await :: else -> skip fi;
#ifndef F_LOOKS
  if :: pend[c] -> goto await :: else -> skip fi;                                 /* nothing has changed between the looks */
#endif
  if :: l!=0 && copies>0 && owner==l -> goto replace :: else -> skip fi;
await:
#endif
  atomic { pend[c] || copies==0 -> pend[c]=0 };                                   /* an event; or the lock's process has ended */
  goto again;
replace:
  atomic { assert(sock!=l || !serving[l]); termed[l]=1 };                         /* stop, and then a new start */
  (ddead[l]);
  goto again;
served:
  streams--;                                                /* it closes its stream */
end:
  atomic { res[c]=NONE; out[c]=NONE; l=0; watches=0; pend[c]=0 }
}

#if KILLS>0
active proctype Killer() {
  byte l;
end:
  do
  :: kills<KILLS -> l=1;
     do :: l<NL && l<starts -> l++ :: break od;
     atomic { if :: l<=starts && !ldead[l] -> kills++; lk[l]=1 :: l<=starts && go[l] && !ddead[l] -> kills++; dk[l]=1 :: else fi; l=0 }
  :: kills==KILLS -> break
  od
}
#endif

#if OUT>0
active proctype Outsider() {
end:
  do
  :: atomic { outs<OUT && sock!=0 -> outs++; sock=0; changed }
  :: outs==OUT -> break
  od
}
#endif

init { atomic { run Client(1); run Client(2);
#if NC>2
  run Client(3)
#endif
} }
