/* launch.pml: from fork to GO. Launcher L, session leader M, daemon D, a grandchild G that keeps every inherited
 * descriptor. SIGKILL of L (as Ctrl-C) anywhere, of D anywhere, of M (-DMKILL), SIGSTOP of M (-DMSTOP), SIGTERM to D
 * anywhere. D may hang or be stopped, exit, panic (report FAILED), die silently, in its stages and in its body. Checked
 * exhaustively with Spin 6.5.2; scripts/models runs every configuration.
 *
 * The body of `ready = auto` and `manual` runs before READY: D's signal thread watches the launcher meanwhile. With
 * -DENTERED (`ready = entered`) READY and GO come first.
 *
 * ready pair D - L: READY or FAILED, or EXITING (the body called exit(3): with status 0 the start succeeded, and D is
 *                   dead, STATUS says so); end of file when every copy of D's end is closed.
 * ctl pair L - M:   M says FORKED(pid); L says RELEASE or nothing. END OF FILE ABORTS THE START (shutdown, close, death),
 *                   unless RELEASE came first. RELEASE wakes nobody: M looks for it at the end of file, and when D dies.
 *                   M answers RELEASED or STATUS(why). After STATUS without RELEASE it waits: L removes the files and
 *                   kills M's group; if L is gone instead, M removes them.
 * L -> D:           WRITTEN (the pidfile is complete; this is who you are), then GO; end of file when L is gone.
 *
 * L alone writes the pidfile, and while L lives only L removes it before GO. So a slow launcher never writes over a
 * successor's file.
 *
 * Guards to switch off, each with a counterexample:
 *   F_ASIS (end of file: M just exits)            F_LEND (M keeps a copy of L's end)
 *   F_EOFONLY, F_NOTIMEOUT (harmless alone: each covers for the other)       F_UNLOCK (L unlocks)
 *   F_MNOLOCK (M closed its lock copy early)      F_NOGROUP (no kill of the group)      F_BLOCKREAP (waitpid(M) without deadline)
 *   F_EARLYRET (L returns at STATUS, not at M's end)  F_TERM (TERM open before its thread)  F_NOKILL (timeout: report only)
 *   F_NOLGROUP (L's deadline kills M alone, also after a failure)   NOGO (D goes on without waiting for GO)
 *   F_NOWATCH (D's body runs, and no thread of D watches the launcher)
 *   F_MCLEANS (M removes the files although L lives: L writes after that)    F_NOWAIT (D says READY before WRITTEN)
 *   F_MLEAVES (M exits after STATUS although L may be killed before it cleans)
 *   F_DEATH (a death counts even behind RELEASE: M kills what a daemon that was told GO has left running)
 *   EAGER (not a fault: a launcher about to exit waits for no process) */
#define READY 1
#define FAILED 2
#define EXITING 3
#define RELEASE 1
#define STATUS 1
#define RELEASED 2
#define NONE 0
#define SUCCESS 1
#define FAIL 2
#define DONE 3                 /* success, and the daemon is gone already */
bit kL=1, kM, kD, kG;          /* copies of the lock's descriptor */
bit wM, wD, wG;                /* copies of D's end of the ready pair */
bit eL=1, eM;                  /* L's end of ctl: L's, and M's stray copy */
bit mM, mD;                    /* M's end: M's, and D's stray copy */
bit shut;                      /* L has shut down its sending side */
byte rp, c2m, m2c, outcome;
bit file, written, told, gone; /* the pidfile; WRITTEN sent; FORKED sent; the lock's name is removed (P9 done) */
bit aL=1, aM, zM, aD, zD, aG, forkedD;
bit dk, mk, lk, gk, mstop;     /* SIGKILL pending for ... ; M stopped */
bit pend, sawready, heard, body, cleanexit, released, mkilled, go, viol, pd, lost, zero;
#define locked  (kL||kM||kD||kG)
#define rpeof   (!wM && !wD && !wG)
#define ceof    (!mM && !mD)                       /* what L sees on ctl */
#define hangup  (shut || (!eL && !eM))             /* what wakes M; a packet does not */
#define Lgone   (!eL && !eM)                       /* POLLHUP, not only end of file */
/* P9 under the lock: pidfile, then lock; a second one finds the lock's name gone and does nothing */
inline removefiles(copy) { assert(copy); if :: !gone -> file=0; gone=1 :: else fi }
/* kill(-M): M stays a zombie until waitpid, so the number is L's to use */
inline killgroup() { atomic {  if :: aD -> dk=1 :: else fi; if :: aG -> gk=1 :: else fi; viol=1 } }

active proctype Launcher() {
  { atomic { kM=1; eM=1; mM=1; wM=1; aM=1; run Middle() }     /* pairs, fork; own copies of the others' ends closed */
    /* one poll, one deadline */
    do
    :: told && !written ->                                    /* FORKED: look up its start time, write, rename, say so */
       if :: !aD -> skip :: true -> atomic { assert(kL && !gone); file=1 } fi;   /* it may be dead already: STATUS comes */
       if :: file -> written=1 :: else -> goto refuse fi      /* disk full, or D is dead */
    :: rp==READY -> goto release
    :: rp==FAILED -> goto refuse
    :: rp==NONE && rpeof -> goto refuse                       /* behind EXITING, STATUS is waited for */
#ifndef F_EOFONLY
    :: m2c==STATUS -> if :: rp==EXITING && zero -> goto done :: else -> goto refuse fi
    :: ceof -> goto refuse
#endif
#ifndef F_NOTIMEOUT
    :: true -> if :: rp==READY -> goto release :: else -> goto refuse fi     /* start_timeout */
#endif
    od;
release:
    assert(written);
    if :: mM || mD -> c2m=RELEASE :: else fi;                 /* else EPIPE */
#ifdef EAGER
    if :: atomic { !rpeof -> go=1; outcome=SUCCESS } goto fin  /* a launcher about to exit: RELEASE, GO, _exit */
       :: rpeof -> skip                                       /* GO meets EPIPE: D died between READY and GO */
       :: shut=1
    fi;
#else
    shut=1;                                                   /* M looks for RELEASE */
#endif
    if :: shut && m2c==RELEASED -> atomic { go=1; outcome=SUCCESS }    /* GO: the commit point */
       :: m2c==STATUS -> goto verdict                         /* died between READY and release */
       :: ceof && m2c==NONE -> goto violent                   /* M was killed */
       :: true -> goto violent                                /* second deadline: M is stopped */
    fi;
    goto reap;
refuse:
#ifdef F_NOKILL
    outcome=FAIL; goto fin;
#endif
    shut=1;
    if :: m2c==STATUS -> goto verdict
       :: ceof && m2c==NONE -> goto violent
#ifndef F_BLOCKREAP
       :: true -> goto violent
#endif
    fi;
verdict:                                                      /* D is dead and reaped; M waits for L's end or its own */
    atomic { removefiles(kL) }
    outcome=FAIL;
    goto reap;
done:                                                         /* exit(0): what D left running is nobody's to kill */
    atomic { removefiles(kL) }
    outcome=DONE; mk=1; (zM);                                 /* M alone */
    goto reap2;
violent:                                                      /* no verdict: kill the whole group, then clean up here */
    if :: atomic { forkedD -> mk=1; killgroup() }             /* kill(-M) takes M and all the family at once */
       :: else -> atomic { mk=1; viol=1 } fi;                 /* ESRCH: no setsid yet: kill(M) */
    outcome=FAIL; (zM);                                       /* SIGKILL always works, stopped or not; now it forks no more */
    killgroup();                                              /* once more: it may have forked between the two */
    (rpeof);                                                  /* D and its family are gone */
    atomic { removefiles(kL) }
    goto reap2;
reap:
#ifdef F_EARLYRET
    goto fin;
#endif
    if :: outcome==FAIL ->
#ifdef F_NOLGROUP
          if :: zM -> skip :: !zM -> mk=1; (zM) fi;            /* deadline: kill M alone */
#else
          atomic { mk=1; killgroup() } (zM);                  /* one kill(-M): the number is L's until waitpid */
#endif
          (rpeof)                                             /* nothing of the family is left */
       :: else ->
          if :: zM -> skip
#ifndef F_BLOCKREAP
             :: !zM -> mk=1; (zM)                             /* deadline: a stopped M is killed, alone */
#endif
          fi
    fi;
reap2:
    zM=0;                                                     /* waitpid: no zombie stays */
fin:
#ifdef F_UNLOCK
    atomic { kL=0; kM=0; kD=0; kG=0 }                         /* flock(LOCK_UN) frees it for every copy */
#else
    kL=0;
#endif
    atomic {
      assert(outcome==SUCCESS || outcome==FAIL || outcome==DONE);
#ifdef EAGER
      if :: outcome==FAIL -> assert(!aM && !zM) :: else fi;
#else
      assert(!aM && !zM);                                     /* no session leader, no zombie */
#endif
      if :: outcome==SUCCESS -> assert(sawready && (!aD || kD))
         :: outcome==DONE -> assert(zero && !aD && !file)
         :: else -> assert(!aD && !aG && !file && !locked)    /* nothing is left, though the body may have run */
#ifdef ENTERED
            assert(!body)
#endif
      fi; aL=0; eL=0 }
  } unless { lk -> atomic { lk=0; aL=0; kL=0; eL=0; if :: zM -> zM=0 :: else fi } }
}

proctype Middle() {
  { skip;
#ifndef F_LEND
    eM=0;                                                     /* first of all */
#endif
    atomic { kD=1; wD=1; mD=1; aD=1; forkedD=1; run Daemon() }/* setsid; fork */
    wM=0;
    told=1;                                                   /* FORKED(pid) */
#ifdef F_MNOLOCK
    kM=0;
#endif
    do
    :: !aD ->                                                 /* pidfd: D died */
#ifdef F_DEATH
       break
#else
       if :: c2m==RELEASE -> zD=0; atomic { released=1; m2c=STATUS } goto gone_       /* the rest is L's, or D's own */
          :: else -> break
       fi
#endif
    :: aD && hangup && c2m==RELEASE -> released=1; m2c=RELEASED; goto gone_
    :: aD && hangup && c2m!=RELEASE ->
#ifdef F_ASIS
       goto gone_
#else
       dk=1; (!aD); break
#endif
    od;
    zD=0;                                                     /* waitpid: the truth about D */
#ifdef F_MCLEANS
    atomic { removefiles(kM) }
#endif
    m2c=STATUS;
#ifndef F_MLEAVES
    (Lgone);                                                  /* L cleans up and kills this group, unless it is gone */
    atomic { removefiles(kM) }
#endif
#ifndef F_NOGROUP
    if :: aG -> assert(!heard); gk=1 :: else fi;              /* kill(0, SIGKILL): what D left in this group, and itself */
#endif
gone_: skip
  } unless { mk || mstop -> end_stopped: (mk) };
  atomic { kM=0; wM=0; eM=0; mM=0; aM=0; if :: pd && aD -> dk=1 :: else fi; if :: aL -> zM=1 :: else -> zM=0 fi }
}

proctype Daemon() { bit thr;
  { mD=0;                                                     /* closes ctl first */
    pd=1; if :: !aM -> goto dead :: else fi;                  /* prctl(PDEATHSIG, KILL), then getppid(): dies with M */
    if :: skip :: atomic { aG=1; wG=1; kG=1; run Grandchild() } fi;
    if :: skip
#ifndef NOHANG
       :: true ->                                             /* hangs, or is stopped */
end_hung: (false)
#endif
       :: atomic { if :: aL -> rp=FAILED :: else fi } goto dead     /* panic in a stage */
       :: goto dead                                           /* exit, crash */
    fi;
#ifndef F_NOWAIT
    if :: written :: !written && !aL -> goto dead fi;          /* stage PidFile: waits for WRITTEN, or the end of L */
#endif
#ifdef ENTERED
    if :: pend -> atomic { if :: aL -> rp=FAILED :: else fi } goto dead :: else fi;   /* stopped while starting */
#endif
    pd=0;                                                     /* from here on end of file takes over */
#ifndef ENTERED
#ifdef F_TERM
    if :: pend -> atomic { lost=1; goto dead } :: else fi;    /* default action: dies without a word */
#endif
    thr=1; body=1;                                            /* signal thread: opens the mask, watches L, keeps the time */
    if :: skip                                                /* first look, 100 ms, or ready() */
       :: atomic { if :: aL -> rp=FAILED :: else fi } goto dead       /* an error, a panic */
       :: goto dead                                           /* exit(7), crash */
       :: true -> atomic { if :: aL -> rp=EXITING :: else fi }; atomic { zero=1; goto dead }   /* exit(0) */
#ifdef F_NOWATCH
       :: true ->
end_body: (false)
#else
       :: true -> (!aL); goto dead                            /* never ready: the end of L ends it */
#endif
    fi;
    if :: pend -> atomic { if :: aL -> rp=FAILED :: else fi } goto dead :: else fi;   /* stopped while starting */
#endif
    atomic { if :: aL -> rp=READY; sawready=1 :: else -> goto dead fi }               /* EPIPE: M cleans up */
#ifndef NOGO
    if :: go -> heard=1
       :: !go && !aL -> atomic { removefiles(kD); goto dead }  /* end of file instead of GO: undo */
#ifndef ENTERED
       :: !go && pend -> goto dead                            /* to stop, and the launcher is busy: the files are L's */
#endif
    fi;
#endif
#ifdef ENTERED
    body=1;
#ifdef F_TERM
    if :: pend -> atomic { lost=1; goto dead } :: else fi;    /* default action: dies without cleaning up */
#endif
    thr=1;                                                    /* signal thread: opens the mask, takes what is pending */
#endif
    if :: goto dead :: skip :: atomic { removefiles(kD); cleanexit=1; goto dead } fi;   /* crashes, goes on, returns */
end_run:
    (pend && thr);
    atomic { removefiles(kD); cleanexit=1 }
dead: skip
  } unless { dk };
  atomic { kD=0; wD=0; mD=0; aD=0; zD=aM }
}
proctype Grandchild() { end_g: gk; atomic { aG=0; wG=0; kG=0 } }

/* outsiders */
active proctype Killer() {
  if :: lk=1 :: skip fi;
  if :: atomic { aD -> dk=1 } :: skip fi;
#ifdef MKILL
  if :: atomic { aM -> mk=1; mkilled=1 } :: skip fi;
#endif
#ifdef MSTOP
  if :: mstop=1 :: skip fi;
#endif
}
active proctype Terminator() { if :: aD -> pend=1 :: skip fi }

init { timeout ->                                             /* nothing moves any more */
  assert(!lost);                                              /* a TERM after start() returned: clean stop or still to come */
  assert(!aL);                                                /* the launcher has returned (or was killed) */
#ifdef MSTOP
  if :: mstop && aM -> goto out :: else fi;                   /* stopped for ever, and no launcher waits for it */
#endif
  assert(!aM);                                                /* the session leader never outlives the outcome */
  if :: aD -> assert(sawready && body && go && kD && file && !pend)   /* a working daemon; a TERM is never lost */
     :: !aD && (cleanexit || outcome==DONE) -> assert(!file)
     :: !aD && !cleanexit && outcome!=DONE && !released && !go && !viol && !mkilled && !mstop -> assert(!file && !locked && !aG)  /* or nothing */
     :: else -> skip          /* died after release (stale file), or launcher and session leader were killed: at most a stale file */
  fi;
out: skip }
